import {
  type FieldDescriptor,
  type FileDescriptor,
  FileDescriptorSet,
  type MessageDescriptor,
  type MethodDescriptor,
} from './gen/descriptor.ts'
import { DESCRIPTORS } from './gen/descriptors.ts'

/** Descriptors of our own `.proto` files. */
export const OUR_DESCRIPTORS: readonly FileDescriptor[] = FileDescriptorSet.decode(
  Buffer.from(DESCRIPTORS, 'base64'),
).file

const MAX_DIFFERENCES = 100

interface Schema {
  /** By full name with leading dot, as types refer to each other. */
  readonly messages: ReadonlyMap<string, MessageDescriptor>
  /** By full name of service and method. */
  readonly methods: ReadonlyMap<string, MethodDescriptor>
}

/**
 * What of `theirs` is not the same with `ours`, one line each, at most 100.
 *
 * Looks at services that both have, their methods, and the fields of all messages that these reach. What only ours
 * has is no difference: it is a superset. Reflection is left out, since we ask only parts of it.
 */
export function compareDescriptors(
  theirs: readonly FileDescriptor[],
  ours: readonly FileDescriptor[],
): readonly string[] {
  const differences: string[] = []
  const say = (line: string): void => {
    if (differences.length < MAX_DIFFERENCES) differences.push(printable(line))
  }
  const [left, right] = [schemaOf(theirs), schemaOf(ours)]
  const services = new Set([...right.methods.keys()].map(serviceOf))
  const reached = new Set<string>()
  for (const [name, method] of left.methods) {
    if (!services.has(serviceOf(name)) || name.startsWith('grpc.reflection.')) continue
    const known = right.methods.get(name)
    if (known === undefined) say(`${name}: unknown to us`)
    else if (signatureOf(known) !== signatureOf(method))
      say(`${name}: is ${signatureOf(method)}, ours ${signatureOf(known)}`)
    reach(method.inputType, left, reached)
    reach(method.outputType, left, reached)
  }
  for (const name of [...reached].sort()) compareMessage(name, left, right, say)
  return differences
}

function schemaOf(files: readonly FileDescriptor[]): Schema {
  const messages = new Map<string, MessageDescriptor>()
  const methods = new Map<string, MethodDescriptor>()
  const add = (scope: string, message: MessageDescriptor): void => {
    const name = `${scope}.${message.name}`
    messages.set(name, message)
    for (const nested of message.nestedType) add(name, nested)
  }
  for (const file of files) {
    for (const message of file.messageType) add(file.package === '' ? '' : `.${file.package}`, message)
    for (const service of file.service)
      for (const method of service.method) methods.set(`${file.package}.${service.name}/${method.name}`, method)
  }
  return { messages, methods }
}

function serviceOf(method: string): string {
  return method.slice(0, method.indexOf('/'))
}

function signatureOf({ inputType, outputType, clientStreaming, serverStreaming }: MethodDescriptor): string {
  return `(${clientStreaming ? 'stream ' : ''}${inputType}) returns (${serverStreaming ? 'stream ' : ''}${outputType})`
}

/** Without recursion: how deep types lead is the peer's choice. */
function reach(name: string, schema: Schema, reached: Set<string>): void {
  const open = [name]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next) || !schema.messages.has(next)) continue
    reached.add(next)
    for (const { typeName } of schema.messages.get(next)?.field ?? []) open.push(typeName)
  }
}

function compareMessage(name: string, left: Schema, right: Schema, say: (line: string) => void): void {
  const [theirs, ours] = [left.messages.get(name), right.messages.get(name)]
  if (ours === undefined) {
    say(`${name.slice(1)}: unknown to us`)
    return
  }
  const known = new Map(ours.field.map((field) => [field.number, field]))
  for (const field of theirs?.field ?? []) {
    const own = known.get(field.number)
    const place = `${name.slice(1)} field ${field.number}`
    if (own === undefined) say(`${place}: ${shapeOf(field)} is unknown to us`)
    else if (shapeOf(own) !== shapeOf(field)) say(`${place}: is ${shapeOf(field)}, ours ${shapeOf(own)}`)
  }
}

const TYPES: readonly string[] =
  '? double float int64 uint64 int32 fixed64 fixed32 bool string group message bytes uint32 enum sfixed32 sfixed64 sint32 sint64'.split(
    ' ',
  )
const REPEATED = 3

function shapeOf({ name, type, typeName, label }: FieldDescriptor): string {
  return `${label === REPEATED ? 'repeated ' : ''}${typeName === '' ? (TYPES[type] ?? type) : typeName.slice(1)} ${name}`
}

/** Names are the peer's: bounded, and without what would act on a terminal. */
function printable(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, '?').slice(0, 300)
}

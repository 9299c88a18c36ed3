import { Buffer } from 'node:buffer'
import { FileDescriptor, FileDescriptorSet, type MessageDescriptor } from '../wire/gen/descriptor.ts'
import { DESCRIPTORS } from '../wire/gen/descriptors.ts'
import type { ServerReflectionRequest, ServerReflectionResponse } from '../wire/gen/reflection.ts'
import { ServerReflectionService } from '../wire/gen/services.ts'
import type { Channel } from '../wire/grpc/channel.ts'

/** What a process serves, by its own account, and where that is not what we speak. */
export interface ServedServices {
  readonly services: readonly string[] | undefined
  readonly differences: readonly string[]
}

const MAX_NAMES = 64
const MAX_DIFFERENCES = 100
const NAME = /^[A-Za-z_][\w.]{0,199}$/
/** Services of the plugin protocol; what else a process serves is its own affair. */
const OURS = /^(?:pb|plugin|logical|dbplugin\.v5|pluginutil\.multiplexing)\./
const V1ALPHA = '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'

/** Asks by reflection. Never throws: a process that serves none is asked nothing further. */
export async function lookAtServices(channel: Channel, timeoutMs: number): Promise<ServedServices> {
  for (const path of [ServerReflectionService.serverReflectionInfo.path, V1ALPHA]) {
    const method = { ...ServerReflectionService.serverReflectionInfo, path }
    const call = channel.duplex(method, { timeoutMs })
    try {
      return await asked(call, call.messages[Symbol.asyncIterator]())
    } catch {
      // Another version of reflection, or none.
    } finally {
      call.cancel()
    }
  }
  return { services: undefined, differences: [] }
}

type Ask = { send(request: ServerReflectionRequest): Promise<void> }

async function asked(call: Ask, answers: AsyncIterator<ServerReflectionResponse>): Promise<ServedServices> {
  const ask = async (
    messageRequest: ServerReflectionRequest['messageRequest'],
  ): Promise<ServerReflectionResponse['messageResponse']> => {
    await call.send({ host: '', messageRequest })
    const { value, done } = await answers.next()
    if (done === true) throw new Error('reflection ended')
    return (value as ServerReflectionResponse).messageResponse
  }
  const list = await ask({ $case: 'listServices', value: '' })
  if (list?.$case !== 'listServicesResponse') throw new Error('no list of services')
  const names = list.value.service.map(({ name }) => name).filter((name) => NAME.test(name))
  const services = names.slice(0, MAX_NAMES).sort()
  const differences = new Set<string>()
  for (const name of services.filter((service) => OURS.test(service))) {
    const answer = await ask({ $case: 'fileContainingSymbol', value: name })
    if (answer?.$case !== 'fileDescriptorResponse') continue
    for (const file of answer.value.fileDescriptorProto) {
      for (const difference of differencesOf(FileDescriptor.decode(file))) differences.add(difference)
    }
  }
  return { services, differences: [...differences].slice(0, MAX_DIFFERENCES) }
}

/**
 * One line for each method or field of a service or message of ours that `file` has and we have not, or have otherwise.
 *
 * Messages that we do not have at all count where a field or method of ours would carry them.
 */
export function differencesOf(file: FileDescriptor): readonly string[] {
  const ours = facts()
  const containers = new Set([...ours.keys()].map(containerOf))
  return [...factsOf(file)]
    .filter(([name, fact]) => containers.has(containerOf(name)) && ours.get(name) !== fact)
    .map(([name, fact]) => {
      const known = ours.get(name)
      return known === undefined ? `${name}: not known here` : `${name}: ${fact}, here ${known}`
    })
}

/** The message or service of a field or method. */
function containerOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}

let known: ReadonlyMap<string, string> | undefined

/** Made when first asked for: most hosts never look. */
function facts(): ReadonlyMap<string, string> {
  if (known !== undefined) return known
  const { file } = FileDescriptorSet.decode(Buffer.from(DESCRIPTORS, 'base64'))
  known = new Map(file.flatMap((descriptor) => [...factsOf(descriptor)]))
  return known
}

function factsOf(file: FileDescriptor): Map<string, string> {
  const found = new Map<string, string>()
  for (const message of file.messageType) addMessage(found, file.package, message)
  for (const { name, method } of file.service) {
    for (const { name: called, inputType, outputType } of method) {
      found.set(`${file.package}.${name}.${called}`, `method ${inputType} to ${outputType}`)
    }
  }
  return found
}

function addMessage(found: Map<string, string>, within: string, message: MessageDescriptor): void {
  const name = `${within}.${message.name}`
  for (const { name: field, number, type, typeName, label } of message.field) {
    const repeated = label === 3 ? ' repeated' : ''
    found.set(
      `${name}.${number}`,
      `field${repeated} of type ${type}${typeName === '' ? '' : ` ${typeName}`} (${field})`,
    )
  }
  for (const nested of message.nestedType) addMessage(found, name, nested)
}

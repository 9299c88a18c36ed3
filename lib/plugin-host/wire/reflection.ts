import { compareDescriptors, OUR_DESCRIPTORS } from './descriptors.ts'
import { FileDescriptor } from './gen/descriptor.ts'
import type { ServerReflectionRequest, ServerReflectionResponse } from './gen/reflection.ts'
import { ServerReflectionService } from './gen/services.ts'
import type { Channel } from './grpc/channel.ts'
import { GRPC_STATUS, GrpcStatusError } from './grpc/status.ts'

/** What a peer says that it serves. Untrusted. */
export interface Reflection {
  /** Full names. */
  readonly services: readonly string[]
  /** Where its descriptors are not ours, one line each. */
  readonly differences: readonly string[]
}

const V1 = ServerReflectionService.serverReflectionInfo
/** The same messages under an older name. */
const V1_ALPHA: typeof V1 = { ...V1, path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo' }

const MAX_SERVICES = 200
const MAX_FILES = 200
/** Of a name that is shown. */
const MAX_NAME = 200

/**
 * Asks the peer for its services and descriptors, and compares those with ours.
 *
 * @returns `undefined` where it serves no reflection, in either version.
 * @throws {GrpcStatusError} the peer answers something else than was asked, or too much.
 */
export async function reflect(channel: Channel, timeoutMs: number): Promise<Reflection | undefined> {
  for (const method of [V1, V1_ALPHA]) {
    try {
      return await reflectBy(method, channel, timeoutMs)
    } catch (error) {
      if (!(error instanceof GrpcStatusError && error.code === GRPC_STATUS.unimplemented)) throw error
    }
  }
  return undefined
}

async function reflectBy(method: typeof V1, channel: Channel, timeoutMs: number): Promise<Reflection> {
  const call = channel.duplex(method, { timeoutMs })
  const answers = call.messages[Symbol.asyncIterator]()
  const ask: Ask = async (request) => {
    // A call that has ended already says why when it is read.
    await call.send({ host: '', messageRequest: request }).catch(() => {})
    const { value, done } = await answers.next()
    if (done === true) throw new GrpcStatusError(GRPC_STATUS.internal, 'reflection ended before its answer')
    return value.messageResponse
  }
  try {
    const services = await servicesBy(ask)
    const files = await filesBy(ask, services)
    return { services, differences: compareDescriptors([...files.values()], OUR_DESCRIPTORS) }
  } finally {
    call.cancel()
  }
}

type Ask = (request: ServerReflectionRequest['messageRequest']) => Promise<ServerReflectionResponse['messageResponse']>

async function servicesBy(ask: Ask): Promise<readonly string[]> {
  const answer = await ask({ $case: 'listServices', value: '' })
  if (answer?.$case !== 'listServicesResponse')
    throw new GrpcStatusError(GRPC_STATUS.internal, 'reflection does not list services')
  if (answer.value.service.length > MAX_SERVICES)
    throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `reflection lists more than ${MAX_SERVICES} services`)
  return answer.value.service.map(({ name }) => name.slice(0, MAX_NAME))
}

const OURS: ReadonlySet<string> = new Set(
  OUR_DESCRIPTORS.flatMap((file) => file.service.map(({ name }) => `${file.package}.${name}`)),
)

/** Files of the services that we know as well, and what those import. */
async function filesBy(ask: Ask, services: readonly string[]): Promise<ReadonlyMap<string, FileDescriptor>> {
  const files = new Map<string, FileDescriptor>()
  for (const service of services)
    if (OURS.has(service)) keep(files, await ask({ $case: 'fileContainingSymbol', value: service }))
  const asked = new Set<string>()
  for (let missing = missingOf(files, asked); missing !== undefined; missing = missingOf(files, asked)) {
    asked.add(missing)
    keep(files, await ask({ $case: 'fileByFilename', value: missing }))
  }
  return files
}

function missingOf(files: ReadonlyMap<string, FileDescriptor>, asked: ReadonlySet<string>): string | undefined {
  for (const { dependency } of files.values())
    for (const name of dependency) if (!files.has(name) && !asked.has(name)) return name
  return undefined
}

function keep(files: Map<string, FileDescriptor>, answer: ServerReflectionResponse['messageResponse']): void {
  // What the peer lists but cannot describe is not compared.
  if (answer?.$case !== 'fileDescriptorResponse') return
  for (const bytes of answer.value.fileDescriptorProto) {
    const file = decoded(bytes)
    files.set(file.name, file)
    if (files.size > MAX_FILES)
      throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `reflection brings more than ${MAX_FILES} files`)
  }
}

function decoded(bytes: Uint8Array): FileDescriptor {
  try {
    return FileDescriptor.decode(bytes)
  } catch (cause) {
    throw new GrpcStatusError(GRPC_STATUS.internal, 'reflection brings a descriptor that is none', { cause })
  }
}

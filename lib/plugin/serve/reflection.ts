import { Buffer } from 'node:buffer'
import type { FileDescriptor } from '../../plugin-host/wire/gen/descriptor.ts'
import type { ServerReflectionRequest, ServerReflectionResponse } from '../../plugin-host/wire/gen/reflection.ts'
import { ServerReflectionService } from '../../plugin-host/wire/gen/services.ts'
import type { GrpcServer } from '../../plugin-host/wire/grpc/server.ts'
import { GRPC_STATUS } from '../../plugin-host/wire/grpc/status.ts'

type Asked = ServerReflectionRequest['messageRequest']
type Answer = ServerReflectionResponse['messageResponse']

/** Tools of the field ask under the older name, with the same messages. */
const V1_ALPHA = {
  serverReflectionInfo: {
    ...ServerReflectionService.serverReflectionInfo,
    path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  },
}

/** Lets a host see what this process serves, and by which messages. `services` are full names. */
export function addReflection(server: GrpcServer, services: readonly string[]): void {
  const all = [...services, 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection']
  const handler = (requests: AsyncIterable<ServerReflectionRequest>): AsyncIterable<ServerReflectionResponse> =>
    answers(requests, all)
  server.add(ServerReflectionService, { serverReflectionInfo: handler })
  server.add(V1_ALPHA, { serverReflectionInfo: handler })
}

async function* answers(
  requests: AsyncIterable<ServerReflectionRequest>,
  services: readonly string[],
): AsyncGenerator<ServerReflectionResponse> {
  // Hardly any host asks: those that do wait for it, the others do not pay for it.
  const files = await describedFiles()
  for await (const request of requests)
    yield {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answerTo(request.messageRequest, files, services),
    }
}

function answerTo(asked: Asked, files: readonly File[], services: readonly string[]): Answer {
  if (asked?.$case === 'listServices')
    return { $case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } }
  const file = files.find(({ descriptor }) =>
    asked?.$case === 'fileByFilename'
      ? descriptor.name === asked.value
      : asked !== undefined && namesOf(descriptor).has(asked.value),
  )
  if (file === undefined)
    return { $case: 'errorResponse', value: { errorCode: GRPC_STATUS.notFound, errorMessage: 'not found' } }
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: [file.bytes] } }
}

function namesOf({ package: scope, service, messageType }: FileDescriptor): ReadonlySet<string> {
  return new Set([
    ...service.flatMap(({ name, method }) => [
      `${scope}.${name}`,
      ...method.map((own) => `${scope}.${name}.${own.name}`),
    ]),
    ...messageType.map(({ name }) => `${scope}.${name}`),
  ])
}

interface File {
  readonly descriptor: FileDescriptor
  /** As compiled: more than `descriptor` reads of it. */
  readonly bytes: Uint8Array
}

async function describedFiles(): Promise<readonly File[]> {
  const { DESCRIPTORS } = await import('../../plugin-host/wire/gen/descriptors.ts')
  const { FileDescriptor } = await import('../../plugin-host/wire/gen/descriptor.ts')
  return entriesOf(Buffer.from(DESCRIPTORS, 'base64')).map((bytes) => ({
    descriptor: FileDescriptor.decode(bytes),
    bytes,
  }))
}

/** The entries of a FileDescriptorSet, whose only field is a list: a tag of one byte, a length, and the bytes. */
function entriesOf(set: Uint8Array): readonly Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let at = 0; at < set.length; ) {
    let length = 0
    let shift = 0
    for (at += 1; ; at += 1, shift += 7) {
      const byte = set[at] ?? 0
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    at += 1
    entries.push(set.subarray(at, at + length))
    at += length
  }
  return entries
}

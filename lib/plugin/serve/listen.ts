import { randomInt } from 'node:crypto'
import { chmodSync, chownSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GrpcAddress } from '../../plugin-host/wire/grpc/connect.ts'
import type { GrpcServer } from '../../plugin-host/wire/grpc/server.ts'
import type { LaunchEnvironment } from './environment.ts'

/** Longest path of a Unix socket, in bytes. */
const MAX_PATH = 107

/**
 * Listens where the host can reach it and, on Unix, nobody else: a socket of a random name, for its owner or the group
 * that the host names. On Windows a port of 127.0.0.1 in the host's range.
 *
 * @throws {Error} it cannot listen, or the path is too long.
 */
export async function listen(server: GrpcServer, launch: LaunchEnvironment): Promise<GrpcAddress> {
  if (process.platform === 'win32') return listenTcp(server, launch)
  const path = join(launch.socketFolder ?? tmpdir(), `plugin${randomInt(2 ** 47)}`)
  if (Buffer.byteLength(path) > MAX_PATH) throw new Error(`the socket path ${path} is longer than ${MAX_PATH} bytes`)
  // The socket is made within the call: from its first moment it is for its owner alone.
  const umask = process.umask(0o177)
  let listening: Promise<GrpcAddress>
  try {
    listening = server.listen({ path })
  } finally {
    process.umask(umask)
  }
  const address = await listening
  if (launch.socketGroup !== undefined) {
    chownSync(path, -1, groupId(launch.socketGroup))
    chmodSync(path, 0o660)
  }
  return address
}

async function listenTcp(server: GrpcServer, { ports }: LaunchEnvironment): Promise<GrpcAddress> {
  for (let port = ports.min; port < ports.max; port += 1) {
    try {
      return await server.listen({ host: '127.0.0.1', port })
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'EADDRINUSE') throw error
    }
  }
  return server.listen({ host: '127.0.0.1', port: ports.max })
}

function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group)
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${group}:`))
  const id = Number(line?.split(':')[2] || Number.NaN)
  if (!Number.isInteger(id)) throw new Error(`there is no group ${group} for the socket`)
  return id
}

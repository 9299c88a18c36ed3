import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Channel, type ChannelOptions, openChannel } from '../../../../lib/plugin-host/wire/grpc/channel.ts'
import type { GrpcAddress } from '../../../../lib/plugin-host/wire/grpc/connect.ts'
import {
  createGrpcServer,
  type GrpcServer,
  type GrpcServerOptions,
} from '../../../../lib/plugin-host/wire/grpc/server.ts'
import { GrpcStatusError } from '../../../../lib/plugin-host/wire/grpc/status.ts'

/** A folder for the time of `t`, for sockets. */
export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'wire-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A server on a Unix socket and a channel to it, for the time of `t`. */
export async function pair(
  t: TestContext,
  register: (server: GrpcServer) => void,
  options: { readonly server?: GrpcServerOptions; readonly channel?: ChannelOptions } = {},
): Promise<{ readonly server: GrpcServer; readonly channel: Channel; readonly address: GrpcAddress }> {
  const server = createGrpcServer(options.server)
  register(server)
  const address = await server.listen({ path: join(scratch(t), 's') })
  t.after(() => server.close(0))
  const channel = await openChannel(address, options.channel)
  t.after(() => channel.close())
  return { server, channel, address }
}

/** Asserts that `promise` ends with a status. */
export async function ends(promise: Promise<unknown>, code: number, message?: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof GrpcStatusError, String(error))
    assert.equal(error.code, code, error.message)
    if (message !== undefined) assert.match(error.message, message)
    return true
  })
}

/** Until `isTrue`; fails after 5 s. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 5_000; !isTrue(); ) {
    assert.ok(Date.now() < end, `${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

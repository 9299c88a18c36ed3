import type { TestContext } from 'node:test'
import { sha256Of } from '../../../support/sha256.ts'
import { type HostPeerOptions, hostPeer } from './host-peer.ts'
import { type Side, sideOf } from './script.ts'
import { serverPeer } from './server-peer.ts'

/** Programs of plugins by the name they are registered under, with their type. */
export type Programs = Readonly<Record<string, readonly [type: 'secret' | 'auth' | 'database', program: string]>>

/** A real server and a host, with the same plugins in their catalogs. `{name_command}` and `{name_sha256}` are kept. */
export async function twoSides(
  t: TestContext,
  programs: Programs,
  options: HostPeerOptions = {},
): Promise<readonly [Side, Side]> {
  const server = await serverPeer(t)
  const sides = [sideOf(server), sideOf(await hostPeer(t, options))] as const
  for (const [name, [type, program]] of Object.entries(programs)) {
    const sha256 = sha256Of(program)
    const commands = [server.place(program), program]
    for (const [at, { peer, kept }] of sides.entries()) {
      const command = commands[at] ?? ''
      kept.set(`${name}_command`, command)
      kept.set(`${name}_sha256`, sha256)
      const answer = await peer.send({
        method: 'POST',
        path: `sys/plugins/catalog/${type}/${name}`,
        body: { command, sha256 },
      })
      if (answer.status !== 204) throw new Error(`${peer.name} does not register ${name}: ${JSON.stringify(answer)}`)
    }
  }
  return sides
}

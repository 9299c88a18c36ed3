import { setTimeout as wait } from 'node:timers/promises'
import type { Gateway } from 'portcullis'
import { green, seconds } from '../screen.ts'
import type { Credential, Scene } from './scene.ts'

const EVERY_MS = 20
const LIMIT_MS = 20_000

export const killToken: Scene = async ({ screen, gateway, world: { operator, place } }) => {
  screen.step(
    'A token that is killed',
    "An operator revokes the service's token, and its database users go with it. Nobody tells the service: it looks up what it serves.",
  )
  const first = await gateway.database().credentials('orders')
  let logins = 0
  const count = (): void => {
    logins += 1
  }
  gateway.on('login', count)
  try {
    await screen.run('reads around a killed token', async () => {
      screen.say(`tokens revoked at the ${place}: ${await operator.revokeTokens()}; the service goes on reading`)
      const { reads, failures, next, ms } = await readUntilReplaced(gateway, first.username)
      if (failures.length > 0) throw failures[0]
      if (next === undefined) throw new Error(`the demo expected a new user within ${seconds(LIMIT_MS)}`)
      screen.say(
        green(
          `${reads} reads, ${failures.length} failed, ${logins} login; a new user after ${seconds(ms)}, the old one until then`,
        ),
      )
      screen.say(`PostgreSQL says: ${await operator.whoAmI(next.username, next.password)}`)
      if (!(await operator.isRefused(first.username, first.password)))
        throw new Error('the demo expected the old user to have died with its token')
      screen.say('the old user can no longer log in there')
      return `${failures.length} of ${reads} failed`
    })
  } finally {
    gateway.off('login', count)
  }
}

interface Readings {
  readonly reads: number
  readonly failures: readonly unknown[]
  /** The first user that was not the old one. */
  readonly next: Credential | undefined
  readonly ms: number
}

/** Reads, as a service does that needs its credential every now and then. */
async function readUntilReplaced(gateway: Gateway, username: string): Promise<Readings> {
  const failures: unknown[] = []
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let reads = 0
  let next: Credential | undefined
  while (next === undefined && elapsedMs() < LIMIT_MS) {
    try {
      reads += 1
      const { data } = await gateway.read<Credential>('database/creds/orders')
      if (data.username !== username) next = data
    } catch (error) {
      failures.push(error)
    }
    if (next === undefined) await wait(EVERY_MS)
  }
  return { reads, failures, next, ms: elapsedMs() }
}

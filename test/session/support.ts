import assert from 'node:assert/strict'
import { unseal } from '../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import type { AuthMethod, OwnCall } from '../../lib/ports/auth-method.ts'
import type { Random } from '../../lib/ports/random.ts'
import { createSession, type Session } from '../../lib/session/session.ts'
import { createSchedule } from '../../lib/system/schedule.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'

/** Chance that always falls the same way. */
export const NO_CHANCE: Random = { fraction: () => 0, uuid: () => 'uuid', bytes: (length) => new Uint8Array(length) }

export type OwnHandler = (call: OwnCall) => ServerAnswer | Promise<ServerAnswer>

export interface SessionDouble {
  readonly session: Session
  readonly clock: FakeClock
  readonly calls: OwnCall[]
  readonly told: string[]
  readonly files: Map<string, string>
  readonly environment: Record<string, string>
  on(path: string, handler: OwnHandler): void
  /** `path` or `path token` of every own call. */
  sent(): readonly string[]
}

/** A session over hand-written answers. */
export function sessionWith(auth: AuthMethod, handlers: Record<string, OwnHandler> = {}): SessionDouble {
  const clock = new FakeClock()
  const calls: OwnCall[] = []
  const told: string[] = []
  const files = new Map<string, string>()
  const environment: Record<string, string> = {}
  const known = new Map(Object.entries(handlers))
  const session = createSession({
    auth,
    clock,
    random: NO_CHANCE,
    environment,
    schedule: createSchedule(clock, { onError: assert.ifError }),
    hash: (text) => `hash-of-${text}`,
    exchange: async (call) => {
      calls.push(call)
      const handler = known.get(call.path)
      return handler === undefined ? answerWith({ status: 204 }) : handler(call)
    },
    files: {
      async readText(path) {
        const text = files.get(path)
        if (text === undefined) throw new Error(`ENOENT: ${path}`)
        return text
      },
      list: async () => [],
    },
    listener: {
      login: (token) => told.push(`login ${token.generation}`),
      loginFailed: (_, code, retryAfterMs) => told.push(`failed ${code} ${retryAfterMs}`),
      renewed: (token) => told.push(`renewed ${token.generation}`),
      renewalFailed: (_, code, retryAfterMs) => told.push(`renewal failed ${code} ${retryAfterMs}`),
      succeeded: (old, next) => told.push(`succeeded ${old.generation} ${next.generation}`),
      died: (token) => told.push(`died ${token.generation}`),
      leaked: (code) => told.push(`leaked ${code}`),
    },
  })
  return {
    ...{ session, clock, calls, told, files, environment },
    on: (path, handler) => known.set(path, handler),
    sent: () => calls.map(({ path, token }) => (token === undefined ? path : `${path} ${unseal(token)}`)),
  }
}

import type { JsonObject } from '../../../model/json.ts'
import { data, type PluginAnswer } from '../../answer.ts'
import type { SecretDefinition } from '../../definition.ts'
import { durationSeconds } from '../../fields/duration.ts'
import { type Path, path } from '../../path.ts'
import type { Mount } from '../../request.ts'
import type { PluginStorage } from '../../storage.ts'
import { encodeName, nameOf, writtenName } from './keys.ts'
import { namesAnswer, namesIn } from './list.ts'
import { existing, Refused, refusing } from './refused.ts'

/** Where secrets of a v1 mount are kept, by name. */
export const SECRETS = 'secrets/'

/** Leases of a mount with `leased_passthrough`: there is nothing behind them that could be revoked. */
export const STATIC_SECRET: SecretDefinition = { renew: true, revoke: () => {} }

/** Paths of a v1 mount: a name, its data, no history. */
export const v1Paths: readonly Path[] = [
  path(':path*', {
    summary: 'A secret: whatever object is written to it.',
    fields: { properties: {} },
    description: 'A field "ttl" (or "lease"), such as "30m", tells readers when to come back; the secret stays.',
    exists: existing(async ({ params, storage }) => (await find(storage, params.path)) !== undefined),
    read: refusing(async ({ params, storage, mount }) => {
      const secret = await find(storage, params.path)
      return secret === undefined ? undefined : answerOf(secret, mount)
    }),
    // Named apart: nothing else of the request than its body is data.
    write: refusing(async ({ params, data: body, storage }) => {
      if (params.path === '') throw new Refused('missing path')
      const name = writtenName(params.path)
      if (Object.keys(body).length === 0) throw new Refused('missing data fields')
      await storage.putJson(SECRETS + encodeName(name), body)
    }),
    delete: refusing(async ({ params, storage }) => {
      if (isName(params.path)) await storage.delete(SECRETS + encodeName(nameOf(params.path)))
    }),
    list: refusing(async ({ params, storage }) => namesAnswer(await namesIn(storage, SECRETS, nameOf(params.path)))),
  }),
]

/** A name that ends in a slash is a folder, which is none. */
function isName(text: string): boolean {
  return text !== '' && !text.endsWith('/')
}

async function find(storage: PluginStorage, text: string): Promise<JsonObject | undefined> {
  return isName(text) ? storage.getJson<JsonObject>(SECRETS + encodeName(nameOf(text))) : undefined
}

/**
 * A secret with the time after which it should be read again.
 *
 * A server makes a lease of that time, and stores it, unless the mount's type is `kv`: under another name no time is told, since
 * each read would be a write.
 */
function answerOf(secret: JsonObject, { pluginName, options }: Mount): PluginAnswer {
  const isLeased = options.leased_passthrough === 'true'
  if (pluginName !== 'kv' && !isLeased) return data(secret)
  return { data: secret, secret: { type: 'kv', ttlMs: ttlMsOf(secret), renewable: isLeased } }
}

/** 0 for the mount's own. */
function ttlMsOf(secret: JsonObject): number {
  const told = Object.hasOwn(secret, 'ttl') ? secret.ttl : secret.lease
  const seconds = typeof told === 'number' && !Number.isInteger(told) ? undefined : durationSeconds(told)
  return Math.max(seconds ?? 0, 0) * 1000
}

import { createHash } from 'node:crypto'
import type { JsonObject } from '../../../model/json.ts'
import type { Call } from '../backend.ts'
import { durationMs } from '../duration.ts'
import type { TokenSpec } from '../tokens.ts'
import { countField, listField } from './fields.ts'

/** The `token_*` fields that auth methods share, read. */
export type TokenSettings = Pick<
  TokenSpec,
  'policies' | 'type' | 'ttlMs' | 'maxTtlMs' | 'explicitMaxTtlMs' | 'periodMs' | 'numUses'
>

/** Reads them. @throws {Refusal} 400 for a duration that is none. */
export function tokenSettings(data: JsonObject): TokenSettings {
  const policies = listField(data, 'token_policies') ?? listField(data, 'policies') ?? []
  const isBare = data.token_no_default_policy === true
  return {
    policies: isBare ? policies : withDefault(policies),
    type: data.token_type === 'batch' ? 'batch' : 'service',
    ttlMs: durationMs(data.token_ttl, 0),
    maxTtlMs: durationMs(data.token_max_ttl, 0),
    explicitMaxTtlMs: durationMs(data.token_explicit_max_ttl, 0),
    periodMs: durationMs(data.token_period, 0),
    numUses: countField(data, 'token_num_uses', 0),
  }
}

/** Sorted, each once, `default` among them; `root` stands alone. */
export function withDefault(policies: readonly string[]): readonly string[] {
  return policies.includes('root') ? ['root'] : [...new Set([...policies, 'default'])].sort()
}

/** The token of a login: an orphan, of the namespace it was asked in. */
export function roleToken(
  { namespace, path }: Call,
  settings: TokenSettings,
  displayName: string,
  meta: Readonly<Record<string, string>>,
): TokenSpec {
  return { ...settings, namespace, path, displayName, meta, entityId: entityIdOf(path, meta) }
}

/** The same for each login of the same caller. */
function entityIdOf(path: string, meta: Readonly<Record<string, string>>): string {
  const hex = createHash('sha256')
    .update(JSON.stringify([path.toLowerCase(), meta]))
    .digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}

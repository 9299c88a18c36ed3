import type { JsonObject } from '../../model/json.ts'
import { secondsOf } from './duration.ts'
import type { Token } from './token.ts'

/** A token as a login, `create` or a renewal answers it. */
export function grantOf(value: string, { record }: Token, ttlMs: number): JsonObject {
  return {
    client_token: value,
    accessor: record.accessor,
    policies: record.policies,
    ...(record.policies.length === 0 ? {} : { token_policies: record.policies }),
    metadata: record.metadata,
    lease_duration: secondsOf(ttlMs),
    renewable: record.renewable,
    entity_id: record.entityId,
    token_type: record.type,
    orphan: record.parent === '',
    mfa_requirement: null,
    num_uses: Math.max(0, record.usesLeft),
  }
}

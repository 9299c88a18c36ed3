import type { JsonObject } from '../model/json.ts'
import type { ServerAnswer } from '../model/server-answer.ts'

/** What tells the end of a value. */
export type ClockKind = 'lease' | 'static-role' | 'certificate' | 'none'

/** When a value ends, and whether it can be given more time. */
export interface LeaseClock {
  readonly kind: ClockKind
  /** Reading of the monotonic {@link Clock} from which `ttlMs` counts. */
  readonly issuedAtMs: number
  /** 0 or more; `Infinity` for `none`. */
  readonly ttlMs: number
  readonly renewable: boolean
}

/**
 * The clock of what the server answered.
 *
 * A lease says its TTL. Values without lease id may have an end all the same: the password of a static role
 * changes when `data.ttl` has run out, and a certificate ends at `data.expiration`. A stored secret can have
 * fields of these names, so both are believed only beside the others of their kind. No lease id, no lease,
 * whatever duration is told; a signed SSH key tells no end at all.
 *
 * @param sentAtMs - Reading of the monotonic clock when the request was sent: the server began to count later.
 * @param wallMs - Reading of the wall clock at that moment, in milliseconds since 1970.
 *
 * @see https://openbao.org/api-docs/secret/databases/#get-static-credentials
 * @see https://openbao.org/api-docs/secret/pki/#generate-certificate-and-key - `expiration` in seconds since 1970
 */
export function clockOf(answer: ServerAnswer, sentAtMs: number, wallMs: number): LeaseClock {
  const { leaseId, leaseDurationMs, renewable, data } = answer
  if (leaseId !== '') return { kind: 'lease', issuedAtMs: sentAtMs, ttlMs: leaseDurationMs, renewable }
  const unrenewable = { issuedAtMs: sentAtMs, renewable: false }
  if (data !== undefined && isStaticRole(data)) {
    return { kind: 'static-role', ...unrenewable, ttlMs: Math.max(0, data.ttl * 1000) }
  }
  if (data !== undefined && isCertificate(data)) {
    return { kind: 'certificate', ...unrenewable, ttlMs: Math.max(0, data.expiration * 1000 - wallMs) }
  }
  return { kind: 'none', ...unrenewable, ttlMs: Infinity }
}

const ROTATION_FIELDS: readonly string[] = ['rotation_period', 'rotation_schedule', 'last_vault_rotation']

function isStaticRole(data: JsonObject): data is JsonObject & { readonly ttl: number } {
  return typeof data.ttl === 'number' && ROTATION_FIELDS.some((name) => data[name] !== undefined)
}

function isCertificate(data: JsonObject): data is JsonObject & { readonly expiration: number } {
  const { expiration, certificate, serial_number } = data
  return typeof expiration === 'number' && typeof certificate === 'string' && typeof serial_number === 'string'
}

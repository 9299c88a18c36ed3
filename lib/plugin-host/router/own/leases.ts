import type { JsonObject } from '../../../model/json.ts'
import { durationField, secondsOf, timeText } from '../duration.ts'
import { flagField, namesBelow, textField } from '../fields.ts'
import type { Lease } from '../lease.ts'
import type { Leases } from '../leases.ts'
import { DONE, type Outcome } from '../outcome.ts'
import { denied, refuse, unsupportedOperation, unsupportedPath } from '../refusal.ts'
import { isOperator, type OwnCall, type OwnHandler } from './call.ts'

/** `sys/leases/…`, and the older `sys/renew`, `sys/revoke`, … without `leases/`. */
export function createLeaseHandler(leases: Leases): OwnHandler {
  return (call) => {
    const { operation } = call
    const [, action = '', tail = ''] = /^([^/]*)\/?(.*)$/.exec(call.rest) ?? []
    if (operation === 'list') return listed(leases, call, action, tail)
    if (operation === 'read' && tail === '' && (action === '' || action === 'count'))
      return counted(leases, call, action)
    if (operation !== 'write') throw unsupportedOperation()
    switch (action) {
      case 'lookup':
        return lookedUp(leases, idOf(call, tail))
      case 'renew':
        return renewed(leases, call, idOf(call, tail))
      case 'revoke':
        return revoked(leases, call, idOf(call, tail))
      case 'revoke-prefix':
        return revokedBelow(leases, call, tail)
      case 'revoke-force':
        return dropped(leases, call, tail)
      default:
        throw unsupportedPath()
    }
  }
}

function idOf({ data }: OwnCall, tail: string): string {
  const id = textField(data, 'lease_id') || textField(data, 'url_lease_id') || tail
  if (id === '') throw refuse(400, 'lease_id must be specified')
  return id
}

function mustBeOperator(call: OwnCall): void {
  if (!isOperator(call)) throw denied()
}

function listed(leases: Leases, call: OwnCall, action: string, tail: string): Outcome {
  mustBeOperator(call)
  if (action !== 'lookup') throw unsupportedOperation()
  const keys = namesBelow(leases.ids(), tail === '' || tail.endsWith('/') ? tail : `${tail}/`)
  if (keys.length === 0) throw refuse(404)
  return { data: { keys } }
}

/** Leases whose revocation has failed for good: their ids, or how many there are by what was read. */
function counted(leases: Leases, call: OwnCall, action: string): Outcome {
  mustBeOperator(call)
  const type = textField(call.data, 'type')
  if (type !== '' && type !== 'irrevocable') throw refuse(404)
  const counts: Record<string, number> = {}
  const lost = leases.below('').filter(({ isIrrevocable }) => isIrrevocable)
  for (const { path } of lost) counts[path] = (counts[path] ?? 0) + 1
  if (action === 'count' || type === '') return { data: { counts, lease_count: lost.length } }
  return { data: { lease_count: lost.length, leases: lost.map(({ id }) => ({ lease_id: id })) } }
}

function lookedUp(leases: Leases, id: string): Outcome {
  const lease = leases.find(id)
  if (lease === undefined) throw refuse(400, 'invalid lease')
  return { data: described(leases, lease) }
}

function described(leases: Leases, lease: Lease): JsonObject {
  // Past its end, and its plugin does not let go of it.
  const isOver = lease.isEnding || lease.isIrrevocable || leases.ttlMs(lease) <= 0
  return {
    expire_time: timeText(lease.expiresAtMs),
    id: lease.id,
    issue_time: timeText(lease.issuedAtMs),
    last_renewal: lease.renewedAtMs === null ? null : timeText(lease.renewedAtMs),
    path: lease.path,
    renewable: lease.renewable && !isOver,
    ttl: isOver ? -1 : secondsOf(leases.ttlMs(lease)),
  }
}

async function renewed(leases: Leases, { data }: OwnCall, id: string): Promise<Outcome> {
  const { lease, ttlMs, warnings } = await leases.renew(id, durationField(data, 'increment'))
  return { warnings, lease: { id, ttlMs, renewable: lease.renewable } }
}

/** Who has no operator token ends its own leases alone. */
async function revoked(leases: Leases, call: OwnCall, id: string): Promise<Outcome> {
  const lease = leases.find(id)
  if (!isOperator(call) && lease?.owner !== call.token?.hash && lease !== undefined) throw denied()
  if (lease === undefined) return DONE
  if (flagField(call.data, 'sync') === true) await leases.revoke(lease)
  else leases.revokeSoon(lease)
  return DONE
}

async function revokedBelow(leases: Leases, call: OwnCall, prefix: string): Promise<Outcome> {
  mustBeOperator(call)
  const isSync = flagField(call.data, 'sync') === true
  const found = [...leases.below(prefix)].sort((a, b) => (a.id < b.id ? -1 : 1))
  for (const [at, lease] of found.entries()) {
    if (!isSync) leases.revokeSoon(lease)
    else await leases.revoke(lease, `failed to revoke ${JSON.stringify(lease.id)} (${at + 1} / ${found.length}): `)
  }
  return DONE
}

async function dropped(leases: Leases, call: OwnCall, prefix: string): Promise<Outcome> {
  mustBeOperator(call)
  for (const lease of leases.below(prefix)) await leases.drop(lease)
  return DONE
}

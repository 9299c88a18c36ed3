import type { JsonObject } from '../../../model/json.ts'
import type { Call, Outcome } from '../backend.ts'
import { durationMs } from '../duration.ts'
import { Refusal, secondsOf } from '../exchange.ts'
import type { FakeLease } from '../leases.ts'
import { type State, timeText } from '../state.ts'
import { namesBelow, textField } from './fields.ts'

/** `sys/leases/…`, and the older names without `leases/`. @param rest - What follows. */
export function onLeases(rest: string, call: Call, state: State): Outcome {
  const [, action = '', tail = ''] = /^([^/]*)\/?(.*)$/.exec(rest) ?? []
  if (call.operation === 'list') return listed(tail, call, state)
  const id = textField(call.data, 'lease_id') || tail
  switch (action) {
    case 'lookup':
      return { data: described(lookedUp(id, call, state), state) }
    case 'renew':
      return renewed(id, call, state)
    case 'revoke':
      state.leases.revoke(call.namespace, id)
      return {}
    case 'revoke-prefix':
    case 'revoke-force':
      state.leases.revokePrefix(call.namespace, tail)
      return {}
    default:
      throw new Refusal(404, 'unsupported path')
  }
}

function listed(prefix: string, { namespace }: Call, { leases }: State): Outcome {
  const ids = leases.live().filter((lease) => lease.namespace === namespace)
  const keys = namesBelow(
    ids.map(({ id }) => id),
    prefix,
  )
  if (keys.length === 0) throw new Refusal(404)
  return { data: { keys } }
}

function lookedUp(id: string, { namespace }: Call, { leases }: State): FakeLease {
  const lease = leases.find(namespace, id)
  if (lease === undefined) throw new Refusal(400, 'invalid lease')
  return lease
}

function described(lease: FakeLease, { leases, clock }: State): JsonObject {
  const ttlMs = leases.ttlMs(lease)
  return {
    id: lease.id,
    issue_time: timeText(lease.issuedWallMs),
    expire_time: timeText(clock.wallTime() + ttlMs),
    last_renewal: lease.renewedWallMs === undefined ? null : timeText(lease.renewedWallMs),
    renewable: lease.renewable,
    ttl: secondsOf(ttlMs),
  }
}

function renewed(id: string, call: Call, { leases }: State): Outcome {
  const { lease, ttlMs, warnings } = leases.renew(call.namespace, id, durationMs(call.data.increment, 0))
  return { warnings, renewed: { leaseId: lease.id, ttlMs, renewable: lease.renewable } }
}

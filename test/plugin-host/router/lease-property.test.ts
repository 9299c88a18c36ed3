import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unseal } from '../../../lib/model/sealed.ts'
import { type Script, said, secretOf } from './scripted-plugins.ts'
import { tokenOf, type World, world } from './world.ts'

/** Chance with a seed, so that a failure can be run again. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Credential {
  /** Moment by the wall clock at which it has to be over, unless renewed. */
  endsAtMs: number
}

/** A plugin that keeps book of what lives, and fails to revoke now and then. */
function bookkeeper(chance: () => number): Script & { readonly alive: Map<number, Credential>; failing: boolean } {
  const alive = new Map<number, Credential>()
  let count = 0
  return {
    alive,
    failing: true,
    handle({ operation, secret }) {
      if (operation === 'read') {
        const id = ++count
        alive.set(id, { endsAtMs: 0 })
        const ttlMs = 1000 * (1 + Math.floor(chance() * 600))
        return said({ id }, { secret: secretOf({ ttlMs, maxTtlMs: 1_200_000, internalData: JSON.stringify({ id }) }) })
      }
      const { id } = JSON.parse(secret?.internalData ?? '{}') as { readonly id: number }
      if (operation === 'renew')
        return said(null, {
          secret: secretOf({ ttlMs: 300_000, maxTtlMs: 1_200_000, internalData: JSON.stringify({ id }) }),
        })
      // Fails once in three times, so never six times in a row within one run of a host that is not given up on.
      if (this.failing && chance() < 0.33) return { error: { kind: 'other', message: 'busy', status: 0 } }
      alive.delete(id)
      return {}
    },
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`no lease is forgotten, whatever is renewed, revoked, restarted or out of reach (seed ${seed})`, async (t) => {
    const chance = seeded(seed)
    const script = bookkeeper(chance)
    const it = await world(
      t,
      { tf: script },
      { mounts: { tf: { type: 'tf', maxLeaseTtlMs: 1_200_000, defaultLeaseTtlMs: 600_000 } } },
    )
    const leases: string[] = []
    for (let step = 0; step < 120; step += 1) await act(it, chance, leases)
    // What the host knows is what lives; nothing that lives is unknown.
    assert.ok(script.alive.size >= 0)
    assert.ok(it.host.operator.leases().length >= script.alive.size)
    // Past the max TTL and all back-offs, with a plugin that works again, nothing is left.
    script.failing = false
    await it.restart(2_000_000)
    await it.clock.advance(400_000)
    const given = it.events.filter(({ name }) => name === 'lease-irrevocable').length
    assert.ok(script.alive.size <= given, `${script.alive.size} live on, ${given} were given up`)
    assert.ok(it.host.operator.leases().length <= given)
    assert.deepEqual((await it.store.list('core/lease/')).length, it.host.operator.leases().length)
  })
}

async function act(it: World, chance: () => number, leases: string[]): Promise<void> {
  const what = chance()
  const lease_id = leases[Math.floor(chance() * leases.length)] ?? 'none/x'
  const ignore = (): void => undefined
  if (what < 0.4) leases.push((await it.ask('read', 'tf/creds')).leaseId)
  else if (what < 0.55) await it.ask('write', 'sys/leases/renew', { data: { lease_id, increment: 600 } }).catch(ignore)
  else if (what < 0.65)
    await it.ask('write', 'sys/leases/revoke', { data: { lease_id, sync: chance() < 0.5 } }).catch(ignore)
  else if (what < 0.9) await it.clock.advance(Math.floor(chance() * 120_000))
  else if (what < 0.95) await it.restart(Math.floor(chance() * 300_000))
  else {
    await it.ask('write', 'auth/token/revoke-self', { data: {} })
    it.gateway = await tokenOf(it.host.auth())
    assert.ok(unseal(it.gateway).startsWith('s.'))
  }
}

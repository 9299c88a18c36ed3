import assert from 'node:assert/strict'
import { callback } from '../../../lib/audit/function-device.ts'
import { LeaseError, PortcullisError } from '../../../lib/errors/index.ts'
import { createGateway } from '../../../lib/gateway.ts'
import type { Gateway } from '../../../lib/model/gateway.ts'
import type { Lease, RotationHandler } from '../../../lib/model/lease.ts'
import { NO_TELEMETRY } from '../../../lib/ports/telemetry.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { createFakeServer, type FakeServer } from '../../../lib/testing/fake-server.ts'
import { fixedRandom } from '../../../lib/testing/fixed-random.ts'
import { Truth } from './truth.ts'

/** What a run is set up with. */
export interface Setting {
  readonly seed: number
  /** Is the session's token ours to revoke? If not, each lease has to be released by itself. */
  readonly owned: boolean
  readonly mayRevoke: boolean
  readonly maxEntries: number
}

export const MAX_PER_PATH = 4
/** How long a holder with a handler goes on using what was replaced. */
export const LEAVING_MS = 3_000

/** What is read: three keys of one renewable role, one role that renews nothing, one with long leases. */
export const KEYS: readonly { readonly path: string; readonly query: Readonly<Record<string, number>> }[] = [
  { path: 'database/creds/app', query: {} },
  { path: 'database/creds/app', query: { n: 1 } },
  { path: 'database/creds/app', query: { n: 2 } },
  { path: 'database/creds/odd', query: {} },
  { path: 'database/creds/long', query: {} },
]

export type Manner = 'plain' | 'slow' | 'refusing'

interface Hold {
  readonly lease: Lease
  readonly key: number
  isClosed: boolean
}

/** A gateway before a fake server, and the truth about both. */
export class World {
  readonly clock: FakeClock = new FakeClock()
  readonly server: FakeServer
  readonly truth: Truth
  readonly holds: Hold[] = []
  readonly failures: unknown[] = []
  leaks: number = 0
  isShut: boolean = false
  #gateway: Gateway | undefined
  readonly #running = new Set<Promise<void>>()

  constructor() {
    this.server = createFakeServer({ clock: this.clock })
    this.truth = new Truth(this.clock, this.server)
  }

  get gateway(): Gateway {
    assert.ok(this.#gateway !== undefined)
    return this.#gateway
  }

  async open({ seed, owned, mayRevoke, maxEntries }: Setting): Promise<void> {
    furnish(this.server, mayRevoke)
    this.#gateway = await createGateway(
      {
        server: this.truth.overheard(this.server.transport()),
        auth: {
          method: 'test',
          async login({ send }) {
            const data = { password: 'p' }
            const { auth } = await send({ operation: 'write', path: 'auth/userpass/login/app', data })
            assert.ok(auth !== undefined)
            return { grant: auth, owned }
          },
        },
        dangerouslyAllowEverything: true,
        audit: { devices: [callback('none', () => {})] },
        cache: { maxEntries },
        leases: { maxPerPath: MAX_PER_PATH },
      },
      { clock: this.clock, random: fixedRandom(seed), telemetry: NO_TELEMETRY, environment: {} },
    )
    this.gateway.on('leaked', () => {
      this.leaks += 1
    })
    this.gateway.on('warning', ({ message }) => void this.failures.push(new Error(message)))
  }

  read(key: number): void {
    const { path, query } = keyAt(key)
    const askedAtMs = this.clock.now()
    this.run(async () => {
      const { data, ttlMs, verifiedMs } = await this.gateway.read(path, { query })
      const user = String(data.username)
      this.truth.givenAway.add(user)
      this.truth.check({ user, ttlMs, verifiedMs, askedAtMs }, `read of key ${key}`)
    })
  }

  hold(key: number, manner: Manner): void {
    const { path, query } = keyAt(key)
    this.run(async () => {
      const lease = await this.gateway.lease(path, { query })
      if (manner !== 'plain') lease.onRotate(handler(manner, this.clock))
      this.holds.push({ lease, key, isClosed: false })
    })
  }

  letGo(nth: number): void {
    const hold = this.#nth(nth)
    if (hold === undefined) return
    hold.isClosed = true
    this.run(() => hold.lease.close())
  }

  /** What a holder sees is true. */
  look(nth: number): void {
    const hold = this.#nth(nth)
    if (hold !== undefined) this.#lookAt(hold)
  }

  lookAtAll(): void {
    for (const hold of this.holds) if (!hold.isClosed) this.#lookAt(hold)
  }

  run(work: () => Promise<unknown>): void {
    const running = work()
      .then(
        () => {},
        (error: unknown) => {
          if (!(error instanceof PortcullisError)) this.failures.push(error)
        },
      )
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Lets all that was begun end. */
  async finish(): Promise<void> {
    for (let i = 0; this.#running.size > 0; i += 1) {
      assert.ok(i < 300, `${this.#running.size} calls never end`)
      await this.clock.advance(1_000)
    }
  }

  shut(): void {
    this.isShut = true
    this.run(() => this.gateway.close())
  }

  #lookAt({ lease, key }: Hold): void {
    try {
      const { data, ttlMs, verifiedMs } = lease.current()
      const user = String(data.username)
      this.truth.check({ user, ttlMs, verifiedMs, askedAtMs: this.clock.now() }, `held key ${key}`, true)
    } catch (error) {
      if (!(error instanceof LeaseError)) this.failures.push(error)
    }
  }

  #nth(nth: number): Hold | undefined {
    const open = this.holds.filter(({ isClosed }) => !isClosed)
    return open.length === 0 ? undefined : open[nth % open.length]
  }
}

function keyAt(key: number): (typeof KEYS)[number] {
  const found = KEYS[key]
  assert.ok(found !== undefined)
  return found
}

function handler(manner: Manner, clock: FakeClock): RotationHandler {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))
  let refusals = manner === 'refusing' ? 2 : 0
  return {
    async prepare(): Promise<void> {
      if (manner === 'slow') await wait(300)
      refusals -= 1
      if (refusals >= 0) throw new Error('cannot use it')
    },
    commit: () => wait(LEAVING_MS),
  }
}

function furnish(server: FakeServer, mayRevoke: boolean): void {
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/app', { default_ttl: '20s', max_ttl: '90s' })
  server.root('POST', 'database/roles/odd', { default_ttl: '30s', max_ttl: '30s', renewable: false })
  server.root('POST', 'database/roles/long', { default_ttl: '1h', max_ttl: '24h' })
  const path: Record<string, { capabilities: string[] }> = {
    'database/creds/*': { capabilities: ['read'] },
    'sys/leases/revoke-prefix/*': { capabilities: ['update', 'sudo'] },
    'sys/leases/revoke-force/*': { capabilities: ['update', 'sudo'] },
    'auth/token/revoke-accessor': { capabilities: ['update'] },
  }
  if (mayRevoke) path['sys/leases/revoke'] = { capabilities: ['update'] }
  server.root('POST', 'sys/policies/acl/app', { policy: { path } })
  server.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  const user = { password: 'p', token_policies: ['app'], token_ttl: '2m', token_max_ttl: '5m' }
  server.root('POST', 'auth/userpass/users/app', user)
}

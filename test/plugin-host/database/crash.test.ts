import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Backend } from '../../../lib/model/backend.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { Clock } from '../../../lib/ports/clock.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { FakeClock } from '../../../lib/testing/index.ts'
import { FakeDatabase, type Trouble } from './fake-database.ts'
import { CONFIG, openEngine, ROLE } from './mount.ts'
import { type Mounted, mounted } from './served.ts'

/** Ends a process at one of its effects: a write to storage, or a change of the database. */
type Fault = 'none' | 'crash-before' | 'crash-after' | 'fail-before' | 'fail-after'

interface Action {
  readonly what: 'rotate-root' | 'rotate-role' | 'create' | 'delete' | 'write' | 'write-unverified' | 'wait' | 'user'
  readonly fault: Fault
  /** Which effect of the action it strikes, from 0. */
  readonly at: number
}

// Found once: with two faults the settling itself fails, and a write without verification comes on top.
const KNOWN: [readonly Action[]][] = [
  [
    [
      { what: 'rotate-root', fault: 'fail-after', at: 1 },
      { what: 'write-unverified', fault: 'fail-after', at: 1 },
    ],
  ],
]

const ACTIONS = fc.array(
  fc.record<Action>({
    what: fc.constantFrom(
      'rotate-root',
      'rotate-role',
      'create',
      'delete',
      'write',
      'write-unverified',
      'wait',
      'user',
    ),
    fault: fc.constantFrom('none', 'crash-before', 'crash-after', 'fail-before', 'fail-after'),
    at: fc.integer({ min: 0, max: 4 }),
  }),
  { minLength: 1, maxLength: 12 },
)

const PERIOD_S = 60

/** A process that can die at any effect: from then on nothing of it reaches storage, database or clock. */
class Host {
  readonly clock = new FakeClock()
  readonly database = new FakeDatabase()
  readonly store: Store
  #process = { isAlive: true }
  #fault: Fault = 'none'
  #left = 0
  #engine: { readonly backend: Backend; readonly calls: Mounted } | undefined

  private constructor(store: Store) {
    this.store = store
    this.database.trouble = () => this.#troubleOf()
  }

  static async start(): Promise<Host> {
    const host = new Host(await memory().open())
    host.database.users.set('svc', { password: 'before', expiresAtMs: 0 })
    await host.#boot()
    assert.equal((await host.calls.call('POST', 'config/main', CONFIG)).status, 204)
    assert.equal((await host.calls.call('POST', 'roles/app', ROLE)).status, 204)
    return host
  }

  get calls(): Mounted {
    if (this.#engine === undefined) throw new Error('not started')
    return this.#engine.calls
  }

  async act({ what, fault, at }: Action): Promise<void> {
    this.#fault = fault
    this.#left = at
    await this.#request(what).catch(() => undefined)
    await this.clock.advance(0)
    this.#fault = 'none'
    if (!this.#process.isAlive) await this.#boot()
    await this.clock.advance(1_000)
  }

  async #request(what: Action['what']): Promise<unknown> {
    const { calls } = this
    switch (what) {
      case 'rotate-root':
        return await calls.call('POST', 'rotate-root/main')
      case 'rotate-role':
        return await calls.call('POST', 'rotate-role/s')
      case 'create':
        return await calls.call('POST', 'static-roles/s', {
          db_name: 'main',
          username: 'svc',
          rotation_period: PERIOD_S,
        })
      case 'delete':
        return await calls.call('DELETE', 'static-roles/s')
      case 'write':
        return await calls.call('POST', 'config/main', { allowed_roles: '*' })
      case 'write-unverified':
        return await calls.call('POST', 'config/main', { allowed_roles: '*', verify_connection: false })
      case 'user':
        return await calls.call('GET', 'creds/app')
      case 'wait':
        return await this.clock.advance(PERIOD_S * 1_000)
    }
  }

  async #boot(): Promise<void> {
    const process = { isAlive: true }
    this.#process = process
    const backend = await openEngine(
      this.#clockOf(process),
      this.#storeOf(process),
      this.database,
      undefined,
      async () => {
        const driver = this.database.driver()
        const dead = <T>(call: Promise<T>): Promise<T> => call.finally(() => this.#checkAlive(process))
        return {
          ...driver,
          newUser: (user) => dead(driver.newUser(user)),
          updateUser: (update) => dead(driver.updateUser(update)),
        }
      },
    )
    this.#engine = { backend, calls: mounted(backend, () => this.clock.wallTime()) }
  }

  async close(): Promise<void> {
    await this.#engine?.backend.close()
  }

  #checkAlive({ isAlive }: { readonly isAlive: boolean }): void {
    if (!isAlive) throw new Error('the process has ended')
  }

  /** Does the fault strike the effect that is about to be? */
  #strikes(): boolean {
    if (this.#fault === 'none') return false
    this.#left -= 1
    return this.#left === -1
  }

  #troubleOf(): Trouble | undefined {
    if (!this.#strikes()) return undefined
    if (this.#fault === 'fail-before' || this.#fault === 'fail-after') return this.#fault
    this.#process.isAlive = false
    return this.#fault === 'crash-before' ? 'fail-before' : 'fail-after'
  }

  #storeOf(process: { isAlive: boolean }): Store {
    return {
      get: async (key) => {
        this.#checkAlive(process)
        return await this.store.get(key)
      },
      list: async (prefix, page) => {
        this.#checkAlive(process)
        return await this.store.list(prefix, page)
      },
      write: async (changes) => {
        this.#checkAlive(process)
        const isStruck = this.#strikes()
        const isBefore = this.#fault === 'crash-before' || this.#fault === 'fail-before'
        if (isStruck && !this.#fault.startsWith('fail')) process.isAlive = false
        if (isStruck && isBefore) throw new Error('the storage failed')
        await this.store.write(changes)
        if (isStruck) throw new Error('the storage failed')
      },
      close: async () => {},
    }
  }

  #clockOf(process: { readonly isAlive: boolean }): Clock {
    return {
      now: () => this.clock.now(),
      wallTime: () => this.clock.wallTime(),
      after: (ms, run) => this.clock.after(ms, () => (process.isAlive ? run() : undefined)),
    }
  }
}

/** Struck at any effect, in any order of requests: what the host gives out is what the database takes. */
async function holds(actions: readonly Action[]): Promise<void> {
  const host = await Host.start()
  try {
    for (const action of actions) await host.act(action)
    // Retries come every ten seconds, and a late change of the root password may take five minutes.
    await host.clock.advance(30_000)
    assert.equal((await host.calls.call('GET', 'creds/app')).status, 200, 'the root password is known')
    const { status, data } = await host.calls.call('GET', 'static-creds/s')
    if (status === 200) assert.equal(data.password, host.database.users.get('svc')?.password, 'the static one too')
    await host.clock.advance(10 * 60_000)
    assert.equal((await host.calls.call('POST', 'rotate-root/main')).status, 204)
    assert.equal((await host.calls.call('GET', 'creds/app')).status, 200)
    const later = await host.calls.call('GET', 'static-creds/s')
    if (later.status === 200) assert.equal(later.data.password, host.database.users.get('svc')?.password)
  } finally {
    await host.close()
  }
}

test('no crash and no failure, at any point of any requests, loses a password', async () => {
  await fc.assert(fc.asyncProperty(ACTIONS, holds), { numRuns: 150, examples: KNOWN })
})

for (const what of ['rotate-root', 'rotate-role', 'create'] as const) {
  test(`each effect of ${what} is struck, each way`, async () => {
    for (const fault of ['crash-before', 'crash-after', 'fail-before', 'fail-after'] as const) {
      for (let at = 0; at < 5; at += 1) {
        const before: readonly Action[] = what === 'rotate-role' ? [{ what: 'create', fault: 'none', at: 0 }] : []
        await holds([...before, { what, fault, at }])
      }
    }
  })
}

test('a creation that went down after the database took it is finished by the next process', async () => {
  const host = await Host.start()
  // Effects: 0 pending, 1 database, 2 role.
  await host.act({ what: 'create', fault: 'crash-before', at: 2 })
  await host.clock.advance(1_000)
  const { status, data } = await host.calls.call('GET', 'static-creds/s')
  assert.equal(status, 200)
  assert.equal(data.password, host.database.users.get('svc')?.password)
  await host.close()
})

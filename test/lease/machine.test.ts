import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Answer } from '../../lib/model/answer.ts'
import { type Command, command, happen } from './machine/commands.ts'
import { KEYS, LEAVING_MS, MAX_PER_PATH, type Setting, World } from './machine/world.ts'

const RUNS = Number(process.env.PORTCULLIS_MACHINE_RUNS ?? 150)
const SEED = Number(process.env.PORTCULLIS_MACHINE_SEED ?? 20_261)

const setting: fc.Arbitrary<Setting> = fc.record({
  seed: fc.nat(1_000),
  owned: fc.boolean(),
  mayRevoke: fc.boolean(),
  maxEntries: fc.constantFrom(1, 2, 1_000),
})

/** Sent to the server for one thing that happens, and in one second of one lease, at most. */
const CALLS_A_COMMAND = 30
const CALLS_A_LEASE_AND_SECOND = 1

async function play(setting: Setting, commands: readonly Command[]): Promise<World> {
  const world = new World()
  await world.open(setting)
  for (const command of commands) {
    await happen(world, command)
    await world.clock.advance(0)
    world.lookAtAll()
    assertBudget(world)
    if (world.failures.length > 0) throw world.failures[0]
  }
  return world
}

function assertBudget({ server, truth }: World): void {
  const living = new Set(truth.living())
  for (const path of new Set(KEYS.map((each) => each.path))) {
    const count = server.leases().filter((lease) => lease.path === path && living.has(lease.id)).length
    // A successor is minted before its predecessor goes.
    assert.ok(count <= 2 * MAX_PER_PATH, `${count} leases live on ${path}`)
  }
}

/** With a server that is well again, every hold has a value, and every key can be read. */
async function recovers(world: World): Promise<void> {
  const { clock, server } = world
  server.clearFaults()
  await world.finish()
  for (let second = 0; second < 150; second += 10) {
    await clock.advance(10_000)
    world.lookAtAll()
  }
  for (const { lease, isClosed, key } of world.holds) {
    if (isClosed) continue
    assert.doesNotThrow(() => lease.current(), `key ${key} is held, the server is well, and there is no value`)
    assert.ok(world.truth.isAlive(String(lease.current().data.username)), `the value held of key ${key} is dead`)
  }
  for (const [key, { path, query }] of KEYS.entries()) {
    const read = (): Promise<Answer> => world.gateway.read(path, { query })
    // What holders are leaving counts too, until it has gone.
    const full = async (error: { code?: string }): Promise<Answer> => {
      if (error.code !== 'ERR_PORTCULLIS_LEASE_BUDGET') throw error
      await new Promise<void>((resolve) => void clock.after(LEAVING_MS + 15_000, resolve))
      return read()
    }
    const reading = read()
      .catch(full)
      .then(({ data }) => {
        assert.ok(world.truth.isAlive(String(data.username)), `what was read of key ${key} is dead`)
        world.truth.givenAway.add(String(data.username))
      })
    await Promise.all([reading, clock.advance(20_000)])
  }
  // What nobody asks for lapses, successors that nobody came for too.
  await clock.advance(100_000)
}

/** Users that live though nobody was given them to keep, and nobody holds them. */
function strays({ truth, holds, isShut }: World): readonly string[] {
  const held = new Set<string>()
  for (const { lease, isClosed } of holds) {
    if (isClosed || isShut) continue
    try {
      held.add(String(lease.current().data.username))
    } catch {
      // No value, no lease.
    }
  }
  // A successor that is there before anybody asks lives for an hour on that path; until the end it is known.
  const known = isShut ? truth.living() : truth.living().filter((id) => !id.startsWith('database/creds/long'))
  const users = known.map((id) => truth.userOf(id))
  return users.filter((user) => !held.has(user) && !truth.givenAway.has(user))
}

/** A stray is to be released within the time that the slowest holder takes to leave it, or said to be leaked. */
async function assertNoneForgotten(world: World, when: string): Promise<void> {
  const before = strays(world)
  // The wire counts in whole seconds: in its last one a lease is over for us, and not for the server.
  await world.clock.advance(world.isShut ? 1_000 : LEAVING_MS + 500)
  const after = new Set(strays(world))
  const forgotten = before.filter((user) => after.has(user)).length
  assert.ok(forgotten <= world.leaks, `${when}: ${forgotten} leases forgotten, ${world.leaks} said to be leaked`)
}

async function closes(world: World): Promise<void> {
  const { clock, server } = world
  if (!world.isShut) world.shut()
  await world.finish()
  if (world.failures.length > 0) throw world.failures[0]
  await assertNoneForgotten(world, 'after close')
  const sent = server.requests.length
  await clock.advance(1)
  // Handlers of ours wait by the same clock.
  await clock.advance(10_000)
  assert.equal(clock.pending, 0, 'a timer was left behind')
  await clock.advance(7_200_000)
  assert.equal(server.requests.length, sent, 'something was sent after close')
}

function assertNoStorm({ server, clock, holds }: World, commands: number, startedAtMs: number): void {
  const seconds = (clock.now() - startedAtMs) / 1_000
  const leases = KEYS.length + holds.length
  const most = 200 + CALLS_A_COMMAND * commands + CALLS_A_LEASE_AND_SECOND * leases * seconds
  assert.ok(server.requests.length <= most, `${server.requests.length} requests in ${seconds} s`)
}

const sequence = (max: number): fc.Arbitrary<Command[]> => fc.array(command, { maxLength: max, size: 'max' })

test('whatever happens, no ended lease is served, none is forgotten, the budget holds, and a well server heals all', async () => {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  await fc.assert(
    fc.asyncProperty(setting, sequence(40), async (setting, commands) => {
      const startedAtMs = new World().clock.now()
      const world = await play(setting, commands)
      await recovers(world)
      await assertNoneForgotten(world, 'well again')
      assertNoStorm(world, commands.length + KEYS.length, startedAtMs)
      await closes(world)
      assert.deepEqual(unhandled, [])
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: process.env.PORTCULLIS_MACHINE_QUICK !== undefined },
  )
  process.off('unhandledRejection', onUnhandled)
})

test('a close in the middle of anything leaves no timer, no call, and no lease that nobody was told of', async () => {
  await fc.assert(
    fc.asyncProperty(setting, sequence(25), sequence(6), async (setting, before, after) => {
      const world = await play(setting, [...before, { do: 'shut' }, ...after])
      world.server.clearFaults()
      await closes(world)
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: process.env.PORTCULLIS_MACHINE_QUICK !== undefined },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BUCKETS_MAX, Buckets } from '../../../lib/policy/limits/buckets.ts'
import { createLimits } from '../../../lib/policy/limits/limits.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { allow, caller, engineFor, request } from '../support.ts'

const READ = request('read', 'kv/a')
const ruled = (limits: object): object => allow('kv/a', ['read'], { id: 'it', limits })

function collectedBytes(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().heapUsed
}

test('a verdict carries the limits of the rule that allowed, for each caller of the chain; most carry none', async () => {
  const engine = await engineFor(ruled({ rate: '10/s' }), allow('kv/b', ['read']))
  const child = caller({ b: 1 }, caller({ a: 1 }))
  assert.deepEqual(
    engine.decide(child, READ).limits?.map(({ link, limits }) => [link, limits.policy, limits.rule, limits.rate]),
    [0, 1].map((link) => [link, 'p', 'it', { count: 10, perMs: 1000, burst: 10 }]),
  )
  assert.deepEqual(engine.decide(child, request('read', 'kv/b')).limits, [])
  assert.equal(engine.decide(child, request('read', 'kv/c')).limits, undefined)
  assert.equal(engine.decide(child, READ), engine.decide(child, READ))
})

test('callers of equal attributes are one caller, whichever object stands for them', async () => {
  const engine = await engineFor(ruled({ rate: '1/h' }))
  const limits = createLimits(new FakeClock())
  const access = (name: string): boolean => {
    const who = caller({ name })
    return limits.access(who, engine.decide(who, READ)) === undefined
  }
  assert.deepEqual([access('a'), access('a'), access('b'), access('b')], [true, false, true, false])
})

test('a verdict on another caller is no verdict on this one', async () => {
  const engine = await engineFor(ruled({ rate: '1/h' }))
  const verdict = engine.decide(caller({ b: 1 }, caller({ a: 1 })), READ)
  assert.throws(() => createLimits(new FakeClock()).access(caller({ a: 1 }), verdict), TypeError)
})

/** More than there are buckets. */
const CALLERS = BUCKETS_MAX + 10_000

test('110,000 callers with long random attributes take bounded memory, and those who had their share stay refused', async () => {
  const engine = await engineFor(ruled({ rate: '1/h' }))
  const buckets = new Buckets()
  const limits = createLimits(new FakeClock(), buckets)
  const access = (n: number): boolean => {
    const who = caller({ user: `${n}-${'x'.repeat(500)}`, n })
    return limits.access(who, engine.decide(who, READ)) === undefined
  }
  access(-1)
  const before = collectedBytes()
  let passed = 0
  for (let n = 0; n < CALLERS; n += 1) if (access(n)) passed += 1
  assert.equal(passed, BUCKETS_MAX)
  assert.equal(buckets.size, BUCKETS_MAX + 1)
  const bytes = (collectedBytes() - before) / BUCKETS_MAX
  assert.ok(bytes < 400, `${bytes} bytes a caller`)
  assert.equal(access(0), false)
  assert.equal(access(CALLERS - 1), false)
})

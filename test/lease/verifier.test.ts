import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kept } from '../../lib/lease/kept.ts'
import { createVerifier, type Verifier, type VerifierDeps } from '../../lib/lease/verifier.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { createNormalise } from '../../lib/pipeline/normalise.ts'
import type { SessionToken } from '../../lib/session/session.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { answerWith, grant, refuse } from '../../lib/testing/scripted-transport.ts'
import { gate, tokenGrant } from '../pipeline/support.ts'

const request = createNormalise({ namespace: '', namespaces: [''] })({ operation: 'read', path: 'database/creds/app' })
const LIVE = (ttl: number) => async (): Promise<ServerAnswer> => answerWith({ data: { ttl } })
const status = (code: number) => async (): Promise<ServerAnswer> => {
  const step = refuse(code) as (call: object, options: object) => ServerAnswer
  return step({ operation: 'write', path: 'sys/leases/lookup' }, {})
}

interface Bench {
  readonly clock: FakeClock
  readonly verifier: Verifier
  readonly told: string[]
  readonly fate: { isDead: boolean; endsAtMs: number }
  /** What the next look-ups answer. */
  answer: () => Promise<ServerAnswer>
  asked: number
  kept(ttlMs?: number): Kept
  isLive(kept: Kept): boolean | Promise<boolean>
}

function bench(more: Partial<VerifierDeps> = {}): Bench {
  const clock = new FakeClock()
  const at = () => ({ nowMs: clock.now(), wallMs: clock.wallTime() })
  const fate = { isDead: false, endsAtMs: Infinity }
  const token: SessionToken = { token: tokenGrant('s.1').token, generation: 1, owned: true, fate, audit: {} }
  const told: string[] = []
  const self: Bench = {
    ...{ clock, told, fate, asked: 0, answer: LIVE(60) },
    verifier: createVerifier({
      clock,
      verifyAfterMs: 5_000,
      lookUpsPerSecond: 50,
      exchange: () => {
        self.asked += 1
        return self.answer()
      },
      token: async () => token,
      forbidden: async () => 'final',
      wasSeenAlive: () => true,
      onDead: () => told.push('dead'),
      onSkipped: () => told.push('skipped'),
      onMoved: () => told.push('moved'),
      onLookedUp: () => {},
      ...more,
    }),
    kept: (ttlMs = 60_000) => new Kept(grant({ ttlMs }), { request, key: 'k', sentAt: at(), livesMs: ttlMs, fate }),
    isLive: (kept) => self.verifier.isLive(kept, at()),
  }
  return self
}

test('up to 4 s nothing is asked, and from 5 s on the look-up is waited for', async () => {
  const self = bench()
  const lease = self.kept()
  await self.clock.advance(3_999)
  assert.equal(self.isLive(lease), true)
  assert.equal(self.asked, 0)
  await self.clock.advance(1_001)
  const checked = self.isLive(lease)
  assert.ok(checked instanceof Promise)
  self.answer = LIVE(55)
  assert.equal(await checked, true)
})

test('a look-up ahead of the limit renews the proof, so that nobody waits', async () => {
  const self = bench()
  const lease = self.kept()
  await self.clock.advance(4_000)
  self.answer = LIVE(56)
  assert.equal(self.isLive(lease), true)
  await self.clock.advance(1_000)
  assert.equal(self.asked, 1)
  assert.equal(self.isLive(lease), true)
  assert.equal(self.asked, 1)
})

const OUTCOMES: readonly (readonly [string, () => Promise<ServerAnswer>, readonly string[]])[] = [
  ['a TTL above 0 lives', LIVE(55), []],
  ['a TTL of 0 is dead', LIVE(0), ['dead']],
  ['a TTL below 0 is dead', LIVE(-1), ['dead']],
  ['400 is dead', status(400), ['dead']],
  ['403 of a living token is unverifiable, and served', status(403), []],
  ['503 is unknown, and served', status(503), []],
  ['500 is unknown, and served', status(500), []],
  ['an answer without TTL is unknown', async () => answerWith({ data: {} }), []],
]
for (const [name, answer, told] of OUTCOMES) {
  test(`a look-up answered: ${name}`, async () => {
    const self = bench()
    const lease = self.kept()
    await self.clock.advance(5_000)
    self.answer = answer
    await self.isLive(lease)
    assert.deepEqual(self.told, told)
  })
}

test('403 of a token that is dead means that the lease is dead', async () => {
  const self = bench({
    forbidden: async () => {
      self.fate.isDead = true
      return 'retry'
    },
  })
  const lease = self.kept()
  await self.clock.advance(5_000)
  self.answer = status(403)
  await self.isLive(lease)
  assert.deepEqual(self.told, ['dead'])
})

test('403 where nobody could tell whether the token lives is asked again after a second, 403 of a living one after a minute', async () => {
  for (const [isAlive, waitMs] of [
    [false, 1_000],
    [true, 60_000],
  ] as const) {
    const self = bench({ wasSeenAlive: () => isAlive })
    const lease = self.kept(600_000)
    await self.clock.advance(5_000)
    self.answer = status(403)
    await self.isLive(lease)
    await self.clock.advance(waitMs - 1)
    assert.equal(self.isLive(lease), true)
    assert.equal(self.asked, 1)
    await self.clock.advance(1)
    await self.isLive(lease)
    assert.equal(self.asked, 2)
  }
})

test('all who ask at once share one look-up', async () => {
  const self = bench()
  const lease = self.kept()
  await self.clock.advance(5_000)
  const { opened, open } = gate()
  self.answer = async () => {
    await opened
    return answerWith({ data: { ttl: 55 } })
  }
  const waiting = Array.from({ length: 100 }, () => self.isLive(lease))
  open()
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([true]))
  assert.equal(self.asked, 1)
})

test('over the cap a lease is served as it is, the proof grows old, and that is told', async () => {
  const self = bench({ lookUpsPerSecond: 2 })
  const leases = Array.from({ length: 10 }, () => self.kept())
  await self.clock.advance(5_000)
  await Promise.all(leases.map((lease) => self.isLive(lease)))
  assert.ok(self.asked <= 3, `${self.asked} look-ups`)
  assert.equal(self.told.filter((each) => each === 'skipped').length, 10 - self.asked)
})

test('10,000 leases that nobody asks for cause no look-up, and no timer', async () => {
  const self = bench()
  const leases = Array.from({ length: 10_000 }, () => self.kept(3_600_000))
  await self.clock.advance(600_000)
  assert.deepEqual([self.asked, self.clock.pending, leases.length], [0, 0, 10_000])
})

test('what is in doubt waits for its look-up, and is served by what that tells', async () => {
  for (const [answer, isServed] of [
    [LIVE(30), true],
    [status(503), false],
    [status(403), false],
  ] as const) {
    const self = bench()
    const lease = self.kept()
    self.clock.jumpWall(3_600_000)
    self.answer = answer
    assert.equal(await self.isLive(lease), isServed)
  }
})

test('an end that the server tells otherwise moves; a second of rounding does not', async () => {
  for (const [ttl, told] of [
    [54, []],
    [20, ['moved']],
    [300, ['moved']],
  ] as const) {
    const self = bench()
    const lease = self.kept()
    await self.clock.advance(5_000)
    self.answer = LIVE(ttl)
    await self.isLive(lease)
    assert.deepEqual(self.told, told)
    assert.equal(lease.ownLeftMs(self.clock.now()), ttl === 54 ? 55_000 : ttl * 1_000)
  }
})

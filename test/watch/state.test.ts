import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  PolicyDeniedError,
  type PortcullisError,
  ServerError,
  SessionError,
  WatchError,
} from '../../lib/errors/index.ts'
import { SealedAnswer } from '../../lib/model/answer.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { pollDelay } from '../../lib/watch/delay.ts'
import { type Outcome, outcomeOf, type Seen, type State, step } from '../../lib/watch/state.ts'
import { DENIED } from '../errors/samples.ts'

function seen(version: number, more: Partial<Seen> = {}): Seen {
  const answer: Seen['answer'] = (facts) => new SealedAnswer(answerWith(), facts, DENIED)
  const sentAt = { nowMs: 1, wallMs: 1 }
  return { version, createdTime: `created-${version}`, isDeleted: false, sentAt, answer, ...more }
}

const at = (version: number, more: Partial<Seen> = {}): State => ({
  at: 'seen',
  seen: seen(version, more),
  isStale: false,
})
const sees = (version: number, more: Partial<Seen> = {}): Outcome => ({ kind: 'seen', seen: seen(version, more) })

const server = (status: number): ServerError =>
  new ServerError(status === 404 ? 'ERR_PORTCULLIS_SERVER_NOT_FOUND' : 'ERR_PORTCULLIS_SERVER_FAILED', 'refused', {
    operation: 'read',
    path: 'kv/data/a',
    status,
  })
const denied = new PolicyDeniedError('ERR_PORTCULLIS_POLICY_DENIED', 'denied', { decision: DENIED })
const gone: Outcome = { kind: 'gone', error: server(404) }
const refused: Outcome = { kind: 'refused', error: denied }
const failed: Outcome = { kind: 'failed', error: server(503) }
const withdrawn = (error: PortcullisError, version = 3): State => ({ at: 'withdrawn', version, error })

const STEPS: readonly (readonly [name: string, from: State, outcome: Outcome, notice: object | undefined])[] = [
  ['the same version says nothing', at(3), sees(3), undefined],
  ['another version is told with the one before', at(3), sees(4), { event: 'changed', version: 4, previousVersion: 3 }],
  [
    'a secret that was removed for good and written anew is another, also at the same number',
    at(1),
    sees(1, { createdTime: 'later' }),
    { event: 'changed', version: 1, previousVersion: 1 },
  ],
  ['a deleted version is told', at(3), sees(3, { isDeleted: true }), { event: 'deleted', version: 3 }],
  ['… once', at(3, { isDeleted: true }), sees(4, { isDeleted: true }), undefined],
  [
    'an undeleted one is a change',
    at(3, { isDeleted: true }),
    sees(3),
    { event: 'changed', version: 3, previousVersion: 3 },
  ],
  ['nothing there any more is a deletion', at(3), gone, { event: 'deleted', version: 3 }],
  ['… once', withdrawn(server(404)), gone, undefined],
  ['… also after its version was', at(3, { isDeleted: true }), gone, undefined],
  ['a refusal is told', at(3), refused, { event: 'refused', code: 'ERR_PORTCULLIS_POLICY_DENIED' }],
  ['… once', withdrawn(denied), refused, undefined],
  [
    'what is allowed again is a change',
    withdrawn(denied),
    sees(3),
    { event: 'changed', version: 3, previousVersion: 3 },
  ],
  ['a failure is told', at(3), failed, { event: 'failing', code: 'ERR_PORTCULLIS_SERVER_FAILED' }],
  ['… each time', withdrawn(denied), failed, { event: 'failing', code: 'ERR_PORTCULLIS_SERVER_FAILED' }],
]

for (const [name, from, outcome, notice] of STEPS) {
  test(`step: ${name}`, () => assert.deepEqual(step(from, outcome).notice, notice))
}

test('a failure keeps what was seen, marked as stale; the next sight takes the mark away', () => {
  const stale = step(at(3), failed).state
  assert.ok(stale.at === 'seen' && stale.isStale && stale.seen.version === 3)
  const fresh = step(stale, sees(3)).state
  assert.ok(fresh.at === 'seen' && !fresh.isStale)
})

test('a failure gives back nothing that was withdrawn', () => {
  assert.equal(step(withdrawn(denied), failed).state.at, 'withdrawn')
})

test('what a failed look means: refusals withdraw, not found is gone, all else tells nothing', () => {
  const unsupported = new WatchError('ERR_PORTCULLIS_WATCH_UNSUPPORTED', 'kv v1')
  const session = new SessionError('ERR_PORTCULLIS_SESSION_LOGIN', 'refused', { method: 'token' })
  const kinds = [denied, server(403), unsupported, server(404), server(503), session, new Error('x'), 'x', undefined]
  assert.deepEqual(
    kinds.map((error) => outcomeOf(error).kind),
    ['refused', 'refused', 'refused', 'gone', 'failed', 'failed', 'failed', 'failed', 'failed'],
  )
})

test('the wait is at most everyMs, at least four fifths of it', () => {
  for (const jitter of [0, 0.25, 0.5, 0.999]) {
    const delayMs = pollDelay(30_000, 0, 0, jitter)
    assert.ok(delayMs <= 30_000 && delayMs > 23_999, `${delayMs}`)
  }
})

test('the wait doubles with each failure, to tenfold or 5 min, and never below everyMs', () => {
  const waits = (everyMs: number): readonly number[] => [0, 1, 2, 3, 4, 99].map((n) => pollDelay(everyMs, n, 0, 0))
  assert.deepEqual(waits(1_000), [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  assert.deepEqual(waits(30_000), [30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
  assert.deepEqual(waits(3_600_000), [3_600_000, 3_600_000, 3_600_000, 3_600_000, 3_600_000, 3_600_000])
})

test('what the server asks to wait is waited', () => {
  assert.equal(pollDelay(1_000, 1, 60_000, 0.5), 60_000)
})

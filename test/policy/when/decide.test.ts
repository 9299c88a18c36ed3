import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicyEngine, type PolicyEngine } from '../../../lib/policy/engine.ts'
import { ANYONE, allow, caller, engineFor, request, said } from '../support.ts'

const MONDAY = Date.parse('2026-03-02T12:00:00Z')
const SUNDAY = Date.parse('2026-03-01T12:00:00Z')
const WEEKDAYS = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'] }]
const WEEKEND = [{ days: ['sat', 'sun'] }]

interface Clocked {
  readonly engine: PolicyEngine
  readonly clock: { nowMs: number }
}

async function clocked(...rules: readonly object[]): Promise<Clocked> {
  const clock = { nowMs: MONDAY, wallTime: () => clock.nowMs }
  const documents = [{ file: 'p.json', document: { policy: 'p', rules } }]
  return { engine: await createPolicyEngine(documents, { namespace: '', clock }), clock }
}

/** What one request comes to on a Monday, on a Sunday, and by a clock that shows no time. */
async function days(rules: readonly object[], ...asked: Parameters<typeof request>): Promise<readonly string[]> {
  const { engine, clock } = await clocked(...rules)
  return [MONDAY, SUNDAY, Number.NaN].map((nowMs) => {
    clock.nowMs = nowMs
    const said_ = said(engine, request(...asked))
    const { decision, rules: notes } = engine.explain(ANYONE, request(...asked))
    assert.deepEqual(decision, engine.decide(ANYONE, request(...asked)).decision)
    const settles = { allow: 'allows', deny: 'denies', forbid: 'forbids' } as const
    const winner = notes.find(({ rule, result }) => rule === decision.rule && result === settles[byReason(decision)])
    const isSettledByRule = ['rule', 'deny', 'forbid'].includes(decision.reason)
    assert.equal(winner !== undefined, isSettledByRule, `the notes agree with ${said_}`)
    return said_
  })
}

function byReason({
  effect,
  reason,
}: {
  readonly effect: 'allow' | 'deny'
  readonly reason: string
}): 'allow' | 'deny' | 'forbid' {
  return reason === 'forbid' ? 'forbid' : effect
}

const deny = (path: string, operations: readonly string[], when?: object): object => ({
  ...allow(path, operations, when === undefined ? {} : { when }),
  effect: 'deny',
})
const forbid = (path: string, operations: readonly string[], when?: object): object => ({
  ...deny(path, operations, when),
  effect: 'forbid',
})

/** What is asked, under which rules, and what it comes to on a Monday, on a Sunday, and at no time. */
const CASES: readonly (readonly [what: string, rules: readonly object[], on: readonly [string, string, string]])[] = [
  [
    'an allow rule refuses outside its windows, and nothing less specific takes over',
    [allow('kv/*', ['read']), allow('kv/a', ['read'], { when: WEEKDAYS })],
    ['allow rule rule-1', 'deny when rule-1', 'deny when rule-1'],
  ],
  [
    'another rule on the same path may allow at other times',
    [allow('kv/a', ['read'], { when: WEEKDAYS }), allow('kv/a', ['read'], { when: WEEKEND })],
    ['allow rule rule-0', 'allow rule rule-1', 'deny when rule-0'],
  ],
  [
    'a deny rule is as if absent outside its windows',
    [allow('kv/*', ['read']), deny('kv/a', ['read'], WEEKEND)],
    ['allow rule rule-0', 'deny deny rule-1', 'deny deny rule-1'],
  ],
  [
    'a deny rule of other operations takes the path from less specific ones while it speaks',
    [allow('kv/*', ['read']), deny('kv/a', ['delete'], WEEKEND)],
    ['allow rule rule-0', 'deny operation rule-1', 'deny operation rule-1'],
  ],
  [
    'beside an allow rule, a deny rule of other operations changes nothing',
    [allow('kv/a', ['read']), deny('kv/a', ['delete'], WEEKEND)],
    ['allow rule rule-0', 'allow rule rule-0', 'allow rule rule-0'],
  ],
  [
    'a deny rule without windows stands, whatever others do',
    [allow('kv/a', ['read']), deny('kv/a', ['read'], WEEKEND), deny('kv/a', ['read'])],
    ['deny deny rule-2', 'deny deny rule-2', 'deny deny rule-2'],
  ],
  [
    'deny rules fall silent path by path',
    [
      allow('kv/*', ['read']),
      deny('kv/a*', ['read'], WEEKDAYS),
      deny('kv/a', ['read'], WEEKEND),
      allow('kv/a*', ['read'], { when: WEEKEND }),
    ],
    ['deny deny rule-1', 'deny deny rule-2', 'deny deny rule-2'],
  ],
  [
    'with every rule of the paths silent, no rule matches',
    [deny('kv/a', ['read'], WEEKEND)],
    ['deny no-rule', 'deny deny rule-0', 'deny deny rule-0'],
  ],
  [
    'a forbid rule says nothing outside its windows',
    [allow('kv/a', ['read']), forbid('kv/*', ['*'], WEEKEND)],
    ['allow rule rule-0', 'deny forbid rule-1', 'deny forbid rule-1'],
  ],
  [
    'a forbid rule without windows stands, whatever others do',
    [allow('kv/a', ['read']), forbid('kv/*', ['*'], WEEKEND), forbid('kv/+', ['read'])],
    ['deny forbid rule-2', 'deny forbid rule-2', 'deny forbid rule-2'],
  ],
]

for (const [what, rules, on] of CASES) {
  test(what, async () => assert.deepEqual(await days(rules, 'read', 'kv/a'), on))
}

test('the refusal says when the rule allows it, and what else would pass', async () => {
  const when = [{ days: ['mon', 'fri'], from: '08:00', to: '18:00', timeZone: 'Europe/Zurich' }]
  const { engine, clock } = await clocked(allow('kv/a', ['read'], { when }))
  clock.nowMs = SUNDAY
  const { decision, rules, wouldPass } = engine.explain(ANYONE, request('read', 'kv/a'))
  assert.deepEqual(decision, {
    effect: 'deny',
    reason: 'when',
    policy: 'p',
    rule: 'rule-0',
    message: 'the rule allows it only at its times: mon, fri 08:00-18:00 Europe/Zurich (when)',
    keyword: 'when',
  })
  assert.equal(rules[0]?.outcome, `refuses: ${decision.message}`)
  assert.equal(wouldPass, `the same request at another time: ${decision.message}`)
  clock.nowMs = Number.NaN
  assert.match(
    engine.decide(ANYONE, request('read', 'kv/a')).decision.message,
    /; the wall clock shows no time \(when\)$/,
  )
})

test('an explanation tells of rules that deny or forbid at other times', async () => {
  const { engine } = await clocked(
    allow('kv/*', ['read']),
    deny('kv/a', ['read'], WEEKEND),
    forbid('kv/+', ['read'], WEEKEND),
  )
  const { rules } = engine.explain(ANYONE, request('read', 'kv/a'))
  const shut = 'says nothing now, only at its times: sat, sun UTC'
  assert.deepEqual(
    rules.map(({ rule, result, outcome }) => [rule, result, outcome]),
    [
      ['rule-2', 'shut', shut],
      ['rule-0', 'allows', 'allows'],
      ['rule-1', 'shut', shut],
    ],
  )
})

test('without a clock, rules with windows allow nothing and deny always', async () => {
  const engine = await engineFor(
    allow('kv/a', ['read'], { when: [{ from: '00:01' }] }),
    allow('kv/b', ['read']),
    deny('kv/b', ['read'], [{ from: '00:01' }]),
  )
  assert.equal(said(engine, request('read', 'kv/a')), 'deny when rule-0')
  assert.equal(said(engine, request('read', 'kv/b')), 'deny deny rule-2')
})

test('the wall clock is read once a decision, and not at all without windows', async () => {
  let reads = 0
  const clock = { wallTime: () => MONDAY + reads++ }
  const when = [{ days: ['sun'] }, { from: '20:00', timeZone: 'Asia/Tokyo' }]
  const rules = [allow('kv/a', ['read'], { when }), allow('kv/a', ['read'], { when: WEEKDAYS })]
  for (const [inForce, expected] of [
    [rules, 1],
    [[allow('kv/a', ['read'])], 0],
  ] as const) {
    const documents = [{ file: 'p.json', document: { policy: 'p', rules: inForce } }]
    const engine = await createPolicyEngine(documents, { namespace: '', clock })
    reads = 0
    assert.equal(engine.decide(ANYONE, request('read', 'kv/a')).decision.effect, 'allow')
    assert.equal(reads, expected)
  }
})

test('a decision at a time is the identical object while the windows stay open', async () => {
  const { engine } = await clocked(allow('kv/a', ['read'], { when: WEEKDAYS }))
  assert.equal(engine.decide(ANYONE, request('read', 'kv/a')), engine.decide(caller({ a: 1 }), request('read', 'kv/a')))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicyEngine } from '../../../lib/policy/engine.ts'
import { ANYONE, allow, caller, engineOf, request } from '../support.ts'

const shadow = (policy: string, rules: readonly object[], more: object = {}): object => ({
  policy,
  mode: 'shadow',
  rules,
  ...more,
})
const ORDERS = { policy: 'orders', rules: [allow('kv/*', ['read'])] }
const NO_SECRETS = shadow('strict', [{ id: 'no', path: 'kv/secret', operations: ['*'], effect: 'forbid' }])

test('a shadow policy says what it would decide, and decides nothing', async () => {
  const engine = await engineOf(ORDERS, NO_SECRETS)
  const { decision, shadow: would } = engine.decide(ANYONE, request('read', 'kv/secret'))
  assert.deepEqual([decision.effect, decision.policy, decision.rule], ['allow', 'orders', 'rule-0'])
  assert.deepEqual(decision.shadow, {
    effect: 'deny',
    reason: 'forbid',
    policy: 'strict',
    rule: 'no',
    message: 'the rule forbids it, whatever else allows it',
  })
  assert.equal(would?.decision, decision.shadow)
})

test('where both agree it is said, too', async () => {
  const engine = await engineOf(ORDERS, NO_SECRETS)
  const { decision } = engine.decide(ANYONE, request('read', 'kv/a'))
  assert.deepEqual([decision.effect, decision.shadow?.effect, decision.shadow?.policy], ['allow', 'allow', 'orders'])
})

test('a shadow policy that would allow more lets nothing through', async () => {
  const engine = await engineOf(ORDERS, shadow('wider', [allow('kv/a', ['delete'], { cache: { ttl: '1h' } })]))
  const verdict = engine.decide(ANYONE, request('delete', 'kv/a'))
  assert.equal(verdict.decision.effect, 'deny')
  assert.equal(verdict.cache, undefined)
  assert.equal(verdict.decision.shadow?.effect, 'allow')
})

test('nothing is said where no shadow policy binds a caller of the chain', async () => {
  const subject = { required: ['user'] }
  const elsewhere = shadow('elsewhere', [], { namespace: 'team-a' })
  const engine = await engineOf(ORDERS, { ...NO_SECRETS, subject }, elsewhere)
  const asked = request('read', 'kv/secret')
  assert.equal('shadow' in engine.decide(ANYONE, asked).decision, false)
  assert.equal(engine.decide(caller({ user: 'u' }), asked).decision.shadow?.effect, 'deny')
  assert.equal(engine.decide(caller({ a: 1 }, caller({ user: 'u' })), asked).decision.shadow?.effect, 'deny')
})

test('a shadow policy takes nothing from a request whose namespace has no other', async () => {
  const engine = await engineOf(ORDERS, shadow('elsewhere', [allow('kv/a', ['read'])], { namespace: 'team-a' }))
  const { decision } = engine.decide(ANYONE, request('read', 'kv/a', { namespace: 'team-a' }))
  assert.deepEqual([decision.reason, decision.shadow?.effect], ['no-policy', 'allow'])
})

test('a repeated decision with its shadow is the identical, frozen object', async () => {
  const engine = await engineOf(ORDERS, NO_SECRETS)
  for (const path of ['kv/a', 'kv/secret', 'none']) {
    const verdict = engine.decide(ANYONE, request('read', path))
    assert.equal(engine.decide(caller({ a: 1 }), request('read', path)), verdict)
    assert.ok(Object.isFrozen(verdict) && Object.isFrozen(verdict.decision))
  }
})

test('shadow policies may stand beside unrestricted, where they are judged alone; enforced ones may not', async () => {
  const options = { namespace: '', unrestricted: true }
  const documents = [{ file: 'p.json', document: shadow('next', [allow('kv/a', ['read'])]) }]
  const engine = await createPolicyEngine(documents, options)
  assert.deepEqual(engine.policies, ['next'])
  const said = (path: string): unknown => {
    const { effect, reason, shadow: would } = engine.decide(ANYONE, request('read', path)).decision
    return [effect, reason, would?.effect, would?.reason]
  }
  assert.deepEqual(said('kv/a'), ['allow', 'unrestricted', 'allow', 'rule'])
  assert.deepEqual(said('kv/b'), ['allow', 'unrestricted', 'deny', 'no-rule'])
  await assert.rejects(createPolicyEngine([...documents, { file: 'o.json', document: ORDERS }], options), {
    name: 'TypeError',
    message:
      'unrestricted lets everything through, so it cannot be combined with policies but those of mode "shadow": leave one out',
  })
})

test('an explanation tells how it would be decided, apart from how it is', async () => {
  const unbound = shadow('others', [], { subject: { required: ['user'] } })
  const engine = await engineOf(ORDERS, NO_SECRETS, unbound)
  const { decision, policies, rules, shadow: would } = engine.explain(ANYONE, request('read', 'kv/secret'))
  assert.deepEqual([decision.effect, decision.shadow?.rule], ['allow', 'no'])
  assert.deepEqual(policies, ['orders'])
  assert.deepEqual(
    rules.map(({ rule, result }) => [rule, result]),
    [['rule-0', 'allows']],
  )
  assert.deepEqual([would?.decision.effect, would?.policies], ['deny', ['strict']])
  assert.deepEqual(
    would?.unbound.map(({ policy }) => policy),
    ['others'],
  )
  assert.deepEqual(
    would?.rules.map(({ policy, result }) => [policy, result]),
    [
      ['strict', 'forbids'],
      ['orders', 'allows'],
    ],
  )
  const without = await engineOf(ORDERS)
  assert.equal('shadow' in without.explain(ANYONE, request('read', 'kv/secret')), false)
})

test('an answer is checked by the schemas of the policies that are enforced alone', async () => {
  const rule = allow('kv/a', ['read'], { response: { required: ['x'] } })
  const engine = await engineOf({ policy: 'p', rules: [allow('kv/+', ['read'])] }, shadow('next', [rule]))
  const verdict = engine.decide(ANYONE, request('read', 'kv/a'))
  assert.equal(verdict.checksResponse, false)
  assert.equal(engine.checkResponse(verdict, {}), undefined)
  assert.ok(verdict.shadow !== undefined)
  assert.equal(engine.checkResponse(verdict.shadow, {})?.reason, 'response-schema')
})

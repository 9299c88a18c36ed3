import { bad, beyond, policy, type Uses } from './documents.ts'

const NAME = 'must be letters, digits and _ . : / -, beginning with a letter, a digit or _, at most 128'
const rule = { path: 'kv/a', operations: ['read'], effect: 'allow' }
const NAMESPACE = 'a namespace has no slash at either end and no empty, . or .. segment: team-a/sub, or "" for the root'

/** Keys of a policy. */
export const POLICY_KEYS: Readonly<Record<string, Uses>> = {
  $schema: {
    good: [policy({ $schema: './node_modules/portcullis/schemas/policy.schema.json' })],
    bad: [bad(policy({ $schema: 1 }), '/$schema', 'must be of type string')],
  },
  policy: {
    good: [policy({ policy: 'orders' }), policy({ policy: 'team_a/orders:v1.2-b' }), policy({ policy: '__proto__' })],
    bad: [
      bad({ rules: [] }, '', 'the key "policy" is missing'),
      bad(policy({ policy: 1 }), '/policy', 'must be of type string'),
      bad(policy({ policy: '' }), '/policy', NAME),
      bad(policy({ policy: 'two words' }), '/policy', NAME),
      bad(policy({ policy: '-a' }), '/policy', NAME),
      bad(policy({ policy: 'a'.repeat(129) }), '/policy', NAME),
    ],
  },
  description: {
    good: [policy({ description: 'what the orders service may do' })],
    bad: [bad(policy({ description: ['a'] }), '/description', 'must be of type string')],
  },
  mode: {
    good: [policy({ mode: 'enforce' }), policy({ mode: 'shadow' })],
    bad: [
      bad(policy({ mode: 'audit' }), '/mode', 'must be one of enforce, shadow'),
      bad(policy({ mode: true }), '/mode', 'must be of type string'),
    ],
  },
  namespace: {
    good: [policy({ namespace: '' }), policy({ namespace: 'team-a' }), policy({ namespace: 'team-a/ä b' })],
    bad: [
      bad(policy({ namespace: 'team-a/' }), '/namespace', NAMESPACE),
      bad(policy({ namespace: '/team-a' }), '/namespace', NAMESPACE),
      bad(policy({ namespace: 'a//b' }), '/namespace', NAMESPACE),
      bad(policy({ namespace: 'a/../b' }), '/namespace', NAMESPACE),
      bad(
        policy({ namespace: 'team-*' }),
        '/namespace',
        'a namespace must not have control characters, lone surrogates, + or *',
      ),
      bad(policy({ namespace: null }), '/namespace', 'must be of type string'),
    ],
  },
  subject: {
    good: [
      policy({ subject: { properties: { service: { const: 'orders' } }, required: ['service'] } }),
      policy({ subject: { required: ['token'] } }),
      policy({ subject: { anyOf: [{ required: ['a'] }, { required: ['b'] }] } }),
      policy({ subject: { not: { required: ['user'] } } }),
    ],
    bad: [
      bad(policy({ subject: 'orders' }), '/subject', 'must be of type object'),
      bad(
        policy({ subject: {} }),
        '/subject',
        'says nothing that a caller must have; leave "subject" out to bind every caller',
      ),
      beyond(
        policy({ subject: { properties: { team: { const: 'a' } }, required: [] } }),
        '/subject/properties/team',
        'must be listed in "required", else the policy binds every caller without "team"',
      ),
      bad(
        policy({ subject: { require: ['a'] } }),
        '/subject',
        'says nothing that a caller must have; leave "subject" out to bind every caller',
      ),
    ],
  },
  rules: {
    good: [policy({ rules: [] }), policy({ rules: [rule, { ...rule, effect: 'deny' }] })],
    bad: [
      bad({ policy: 'p' }, '', 'the key "rules" is missing'),
      bad(policy({ rules: rule }), '/rules', 'must be of type array'),
      bad(policy({ rules: ['kv/a'] }), '/rules/0', 'must be of type object'),
      bad(policy({ rulez: [] }), '/rulez', 'unknown key "rulez" (did you mean "rules"?)'),
      beyond(
        policy({ rules: [rule, { ...rule, id: 'rule-0' }] }),
        '/rules/1/id',
        'the id "rule-0" stands twice in this policy',
      ),
    ],
  },
}

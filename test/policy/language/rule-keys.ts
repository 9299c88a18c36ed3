import { bad, beyond, ruled, type Uses } from './documents.ts'

const NAME = 'must be letters, digits and _ . : / -, beginning with a letter, a digit or _, at most 128'
const CLOSED = { additionalProperties: false }
const ONLY_ALLOW = (key: string): string => `"${key}" may only stand on a rule whose effect is "allow", not "deny"`
const PLUS = '"+" stands for one whole segment: it must be alone between slashes; for the rest of a name end in "*"'
const TEMPLATE = '"{{" begins a template, of which there is one: {{caller.name}}, which stands for a whole segment'
const NO_ATTRIBUTE =
  'never is one segment: a template names an attribute, or token.alias, token.entity or token.metadata.NAME'
const CLOSE = 'must state "additionalProperties" (false refuses what the schema does not name)'

/** A path that is refused for what it says. */
const path = (text: string, says: string): Uses['bad'][number] => bad(ruled({ path: text }), '/rules/0/path', says)

/** Keys of a rule. */
export const RULE_KEYS: Readonly<Record<string, Uses>> = {
  id: {
    good: [ruled({ id: 'db' }), ruled({ id: 'team_a/db:1.0-b' })],
    bad: [
      bad(ruled({ id: 1 }), '/rules/0/id', 'must be of type string'),
      bad(ruled({ id: 'no spaces' }), '/rules/0/id', NAME),
      bad(ruled({ id: 'ä' }), '/rules/0/id', NAME),
    ],
  },
  description: {
    good: [ruled({ description: '' })],
    bad: [bad(ruled({ description: 1 }), '/rules/0/description', 'must be of type string')],
  },
  path: {
    good: [
      ...['*', '+', 'kv/a', 'kv/a/', 'kv/*', 'kv/a*', 'kv/+/b', 'kv/+/*', 'a b?c#d%é\\', 'a..b/...', 'a/..*', 'a{b}}'],
      ...['{{caller.user}}', 'kv/{{caller.user}}/*', '{{caller.a}}/+/{{caller.b-c_1}}'],
      ...['kv/{{caller.token.alias}}', 'kv/{{caller.token.entity}}/', 'kv/{{caller.token.metadata.team}}/*'],
    ].map((text) => ruled({ path: text })),
    bad: [
      bad(ruled({ path: 1 }), '/rules/0/path', 'must be of type string'),
      bad(ruled({ path: '' }), '/rules/0/path', 'must NOT have fewer than 1 characters'),
      bad(ruled({ path: 'a'.repeat(1025) }), '/rules/0/path', 'must NOT have more than 1024 characters'),
      path('/kv/a', 'a path has no leading slash; it is relative to /v1/'),
      path('kv//a', 'a path must not have an empty segment (//)'),
      path('kv/./a', 'a path must not have a segment . or ..'),
      path('kv/..', 'a path must not have a segment . or ..'),
      path('kv/*/a', '"*" stands for any rest and may only be the last character'),
      path('kv/**', '"*" stands for any rest and may only be the last character'),
      path('kv/a+', PLUS),
      path('kv/+*', PLUS),
      path('kv/a\u0007', 'a path must not have control characters'),
      path('kv/u-{{caller.user}}', TEMPLATE),
      path('kv/{{caller.user}}*', TEMPLATE),
      path('kv/{{ caller.user }}', TEMPLATE),
      path('kv/{{identity.entity.id}}', TEMPLATE),
      path('kv/{{caller}}', TEMPLATE),
      ...[
        'user.name',
        'token',
        'token.mount',
        'token.policies',
        'token.metadata',
        'token.alias.x',
        'token.metadata.a.b',
      ].map((name) =>
        beyond(ruled({ path: `kv/{{caller.${name}}}` }), '/rules/0/path', `{{caller.${name}}} ${NO_ATTRIBUTE}`),
      ),
    ],
  },
  operations: {
    good: [
      ruled({ operations: ['read', 'list', 'scan', 'write', 'create', 'update', 'patch', 'delete', 'sudo'] }),
      ruled({ operations: ['*'] }),
    ],
    bad: [
      bad(ruled({ operations: undefined }), '/rules/0', 'the key "operations" is missing'),
      bad(ruled({ operations: 'read' }), '/rules/0/operations', 'must be of type array'),
      bad(ruled({ operations: [] }), '/rules/0/operations', 'must NOT have fewer than 1 items'),
      bad(
        ruled({ operations: ['get'] }),
        '/rules/0/operations/0',
        'must be one of read, list, scan, write, create, update, patch, delete, sudo, *',
      ),
    ],
  },
  effect: {
    good: [ruled({ effect: 'deny' }), ruled({ effect: 'forbid' })],
    bad: [
      bad(ruled({ effect: undefined }), '/rules/0', 'the key "effect" is missing'),
      bad(ruled({ effect: 'Allow' }), '/rules/0/effect', 'must be one of allow, deny, forbid'),
      bad(ruled({ efect: 'deny' }), '/rules/0/efect', 'unknown key "efect" (did you mean "effect"?)'),
    ],
  },
  reason: {
    good: [ruled({ reason: 'operators only' })],
    bad: [
      bad(ruled({ reason: 1 }), '/rules/0/reason', 'must be of type string'),
      bad(ruled({ reason: 'a'.repeat(513) }), '/rules/0/reason', 'must NOT have more than 512 characters'),
    ],
  },
  request: {
    good: [
      ruled({ request: CLOSED }),
      ruled({ request: { properties: { a: { type: 'string', pattern: '^a+$' } }, unevaluatedProperties: false } }),
      ruled({
        request: { $ref: '#/$defs/a', $defs: { a: { type: 'object', required: ['a'] } }, additionalProperties: true },
      }),
    ],
    bad: [
      bad(ruled({ request: true }), '/rules/0/request', 'must be of type object'),
      bad(ruled({ request: { properties: {} } }), '/rules/0/request', CLOSE),
      bad(ruled({ effect: 'deny', request: CLOSED }), '/rules/0/request', ONLY_ALLOW('request')),
      bad(
        ruled({ request: { ...CLOSED, properties: { a: { type: 'string', maxLenght: 1 } } } }),
        '/rules/0/request/properties/a/maxLenght',
        'unknown keyword "maxLenght" (did you mean "maxLength"?)',
      ),
      bad(
        ruled({ request: { ...CLOSED, properties: { a: { format: 'uuid' } } } }),
        '/rules/0/request/properties/a/format',
        '"format" is not allowed: formats are not supported; use "pattern"',
      ),
      bad(
        ruled({ request: { ...CLOSED, properties: { a: { $ref: 'https://elsewhere/s.json' } } } }),
        '/rules/0/request/properties/a/$ref',
        'must start with "#/" and name a part: a schema cannot refer to what is outside it',
      ),
      beyond(
        ruled({ request: { ...CLOSED, properties: { a: { type: 'string', pattern: '(a)\\1' } } } }),
        '/rules/0/request/properties/a/pattern',
        'the pattern cannot be used: error parsing regexp: invalid escape sequence: `\\1` (look-ahead, look-behind and back-references are not supported)',
      ),
    ],
  },
  query: {
    good: [ruled({ query: { properties: { version: { type: 'string' } }, additionalProperties: false } })],
    bad: [
      bad(ruled({ query: [] }), '/rules/0/query', 'must be of type object'),
      bad(ruled({ query: {} }), '/rules/0/query', CLOSE),
      bad(ruled({ effect: 'deny', query: CLOSED }), '/rules/0/query', ONLY_ALLOW('query')),
    ],
  },
  response: {
    good: [ruled({ response: { required: ['ciphertext'] } }), ruled({ response: {} })],
    bad: [
      bad(ruled({ response: false }), '/rules/0/response', 'must be of type object'),
      bad(ruled({ effect: 'deny', response: {} }), '/rules/0/response', ONLY_ALLOW('response')),
      bad(
        ruled({ response: { requires: ['a'] } }),
        '/rules/0/response/requires',
        'unknown keyword "requires" (did you mean "required"?)',
      ),
    ],
  },
  wrapped: {
    good: [ruled({ response: {}, wrapped: true }), ruled({ response: {}, wrapped: false })],
    bad: [
      bad(ruled({ wrapped: true }), '/rules/0/wrapped', 'has a meaning only beside "response"'),
      bad(ruled({ response: {}, wrapped: 'yes' }), '/rules/0/wrapped', 'must be of type boolean'),
      bad(ruled({ effect: 'deny', wrapped: true }), '/rules/0/wrapped', ONLY_ALLOW('wrapped')),
    ],
  },
  cache: {
    good: [ruled({ cache: { ttl: '30s' } })],
    bad: [
      bad(ruled({ cache: '30s' }), '/rules/0/cache', 'must be of type object'),
      bad(ruled({ cache: {} }), '/rules/0/cache', 'the key "ttl" is missing'),
      bad(ruled({ effect: 'deny', cache: { ttl: '1s' } }), '/rules/0/cache', ONLY_ALLOW('cache')),
    ],
  },
  limits: {
    good: [ruled({ limits: { maxWrapTtl: '5m' } })],
    bad: [
      bad(ruled({ limits: [] }), '/rules/0/limits', 'must be of type object'),
      bad(ruled({ limits: {} }), '/rules/0/limits', 'must NOT have fewer than 1 properties'),
      bad(
        ruled({ limits: { maxWrapTtll: '1m' } }),
        '/rules/0/limits/maxWrapTtll',
        'unknown key "maxWrapTtll" (did you mean "maxWrapTtl"?)',
      ),
      bad(ruled({ effect: 'deny', limits: { maxWrapTtl: '5m' } }), '/rules/0/limits', ONLY_ALLOW('limits')),
    ],
  },
  when: {
    good: [
      ruled({ when: [{ days: ['mon'] }] }),
      ruled({ effect: 'deny', when: [{ from: '18:00' }, { days: ['sat', 'sun'] }] }),
      ruled({ effect: 'forbid', when: [{ from: '18:00', to: '08:00' }] }),
    ],
    bad: [
      bad(ruled({ when: { days: ['mon'] } }), '/rules/0/when', 'must be of type array'),
      bad(ruled({ when: [] }), '/rules/0/when', 'must NOT have fewer than 1 items'),
      bad(ruled({ when: [{}] }), '/rules/0/when/0', 'must NOT have fewer than 1 properties'),
      bad(ruled({ when: [{ day: ['mon'] }] }), '/rules/0/when/0/day', 'unknown key "day" (did you mean "days"?)'),
    ],
  },
}

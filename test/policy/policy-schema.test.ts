import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import schema from '../../schemas/policy.schema.json' with { type: 'json' }

const isPolicy = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)

test('the policy schema has an $id and is strict 2020-12', () => {
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.match(schema.$id, /^https:\/\/[a-z.]+\/schemas\/policy\.schema\.json$/)
})

test('the policy schema describes the whole language, what is not supported yet included', () => {
  const document = {
    $schema: './node_modules/portcullis/schemas/policy.schema.json',
    policy: 'orders',
    description: 'what the orders service may do',
    mode: 'shadow',
    namespace: 'team-a',
    subject: { properties: { service: { const: 'orders' } }, required: ['service'] },
    rules: [
      {
        id: 'db',
        path: 'database/creds/{{caller.role}}',
        operations: ['read'],
        effect: 'allow',
        limits: { leases: 5, rate: '10/s', burst: 20, maxTtl: '1h', minWrapTtl: '1m', maxWrapTtl: '5m' },
        cache: { ttl: '30s', scope: 'caller', staleIfError: '1h' },
        when: [{ days: ['mon', 'fri'], from: '08:00', to: '18:00', timeZone: 'Europe/Zurich' }],
      },
      {
        path: 'transit/encrypt/cards',
        operations: ['write'],
        effect: 'allow',
        reason: 'cards only',
        request: { additionalProperties: false },
        query: { additionalProperties: false },
        response: { required: ['ciphertext'] },
        wrapped: true,
      },
      { path: 'sys/*', operations: ['*'], effect: 'forbid' },
    ],
  }
  assert.ok(isPolicy(document), JSON.stringify(isPolicy.errors))
})

test('every part of the policy schema is closed or left to JSON Schema', () => {
  for (const part of [schema, schema.$defs.rule, schema.$defs.cache, schema.$defs.limits, schema.$defs.window]) {
    assert.equal(part.additionalProperties, false)
  }
})

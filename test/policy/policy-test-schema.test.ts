import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import decision from '../../schemas/audit-entry.schema.json' with { type: 'json' }
import schema from '../../schemas/policy-test.schema.json' with { type: 'json' }

const isTest = new Ajv2020({ strict: true, strictTypes: false }).compile(schema)

test('the schema of policy tests has an $id, is strict 2020-12, and takes the example', () => {
  assert.match(schema.$id, /^https:\/\/[a-z.]+\/schemas\/policy-test\.schema\.json$/)
  const example = readFileSync(new URL('../../examples/policies/services.policy-test.json', import.meta.url), 'utf8')
  assert.ok(isTest(JSON.parse(example)), JSON.stringify(isTest.errors))
})

test('every part of it is closed', () => {
  const { row, answer, decision, token } = schema.$defs
  for (const part of [schema, row, answer, decision, token]) assert.equal(part.additionalProperties, false)
})

test('a reason that can be expected is one that a decision can have', () => {
  const text = JSON.stringify(decision)
  for (const reason of schema.$defs.decision.properties.reason.enum) assert.ok(text.includes(`"${reason}"`), reason)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import schema from '../../../schemas/policy.schema.json' with { type: 'json' }
import { engineOf } from '../support.ts'
import type { Uses } from './documents.ts'
import { CACHE_KEYS, COUNT_KEYS, LEASE_KEYS, WINDOW_KEYS, WRAP_KEYS } from './part-keys.ts'
import { POLICY_KEYS } from './policy-keys.ts'
import { RULE_KEYS } from './rule-keys.ts'

/** The schema as editors use it: whole. */
const isPolicy = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)

/** Parts of a policy, and the uses of their keys. */
const PARTS: readonly (readonly [part: string, keys: object, uses: Readonly<Record<string, Uses>>])[] = [
  ['a policy', schema.properties, POLICY_KEYS],
  ['a rule', schema.$defs.rule.properties, RULE_KEYS],
  ['cache', schema.$defs.cache.properties, CACHE_KEYS],
  ['limits', schema.$defs.limits.properties, { ...COUNT_KEYS, ...LEASE_KEYS, ...WRAP_KEYS }],
  ['a window', schema.$defs.window.properties, WINDOW_KEYS],
]

/** As it stands in a file. */
const asRead = (document: unknown): unknown => JSON.parse(JSON.stringify(document))

for (const [part, keys, uses] of PARTS) {
  test(`each key of ${part} has good and bad uses in the table`, () => {
    const asked = Object.keys(keys)
    assert.deepEqual(Object.keys(uses).sort(), asked.sort())
    for (const { good, bad } of Object.values(uses)) assert.ok(good.length > 0 && bad.length > 0)
  })

  for (const [key, { good, bad }] of Object.entries(uses)) {
    test(`good uses of ${key} of ${part} load, and please an editor`, async () => {
      for (const document of good) {
        await assert.doesNotReject(engineOf(asRead(document)), JSON.stringify(document))
        assert.ok(isPolicy(asRead(document)), `${JSON.stringify(document)}: ${JSON.stringify(isPolicy.errors)}`)
      }
    })

    test(`bad uses of ${key} of ${part} are refused by place and in words, and marked by an editor`, async () => {
      for (const { document, pointer, says, isBeyondSchema = false } of bad) {
        const message = `p0.json${pointer === '' ? '' : ` at ${pointer}`}: ${says}`
        await assert.rejects(engineOf(asRead(document)), { name: 'PolicyLoadError', pointer, message })
        assert.equal(isPolicy(asRead(document)), isBeyondSchema, `an editor and ${JSON.stringify(document)}`)
      }
    })
  }
}

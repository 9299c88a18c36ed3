import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import entrySchema from '../../../schemas/audit-entry.schema.json' with { type: 'json' }
import schema from '../../../schemas/policy.schema.json' with { type: 'json' }
import { caller, engineOf, request, said } from '../support.ts'

const readme = readFileSync(new URL('../../../lib/policy/README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```json\n(.*?)^```/gms)].map(([, text]) => JSON.parse(text ?? ''))

/** Keys in the first column of the table below a marker, and what their rows say. */
function table(marker: string): ReadonlyMap<string, string> {
  const rows = readme.split(`<!-- keys: ${marker} -->\n`)[1]?.split('\n\n')[0]?.split('\n').slice(2) ?? []
  return new Map(rows.map((row) => [/^\| `([$\w]+)` \|/.exec(row)?.[1] ?? row, row]))
}

const { rule, cache, limits, window } = schema.$defs
for (const [marker, part] of Object.entries({ policy: schema, rule, cache, limits, window })) {
  test(`the README's table of keys of ${marker} is that of the schema`, () => {
    const rows = table(marker)
    assert.deepEqual([...rows.keys()], Object.keys(part.properties))
    for (const [key, property] of Object.entries(part.properties)) {
      const value = 'default' in property ? property.default : undefined
      if (value !== undefined) assert.ok(rows.get(key)?.includes(`| \`${value}\` |`), `${key} has its default`)
      const isRequired = 'required' in part && (part.required as readonly string[]).includes(key)
      assert.equal(rows.get(key)?.includes('| – |'), isRequired, `${key} says whether it must be there`)
    }
  })
}

test('every reason of a refusal by policies is told in the README', () => {
  const reasons = entrySchema.$defs.decision.properties.reason.enum
  const elsewhere = ['rule', 'own', 'unrestricted', 'response-schema', 'path', 'namespace', 'body']
  for (const reason of reasons.filter((each) => !elsewhere.includes(each))) {
    assert.ok(readme.includes(`\`${reason}\``), reason)
  }
})

test('the README holds users to their own, as it says', async () => {
  const byName = new Map(blocks.map((block) => [block.policy, block]))
  const engine = await engineOf(byName.get('users-of-orders'), byName.get('each-user'))
  const service = caller({ service: 'orders' })
  const user = caller({ user: 'u-17' }, service)
  assert.equal(said(engine, request('read', 'secret/data/users/u-17/a'), user), 'allow rule own')
  assert.equal(said(engine, request('read', 'secret/data/users/u-18/a'), user), 'deny deny others')
  assert.equal(said(engine, request('read', 'secret/data/users/u-18/a'), service), 'allow rule rule-0')
})

test('the request schema of the README sees the nested data of KV v2, the query and its pointers', async () => {
  const engine = await engineOf(blocks.find(({ policy }) => policy === 'theme'))
  const write = (data: object): object => {
    const { effect, pointer, keyword } = engine.decide(
      caller({}),
      request('write', 'secret/data/orders/theme', { data: data as never }),
    ).decision
    return [effect, pointer, keyword]
  }
  assert.deepEqual(write({ data: { color: 'green' }, options: { cas: 1 } }), ['allow', undefined, undefined])
  assert.deepEqual(write({ data: { color: 'red' } }), ['deny', '/data/data/color', 'enum'])
  assert.deepEqual(write({ data: { color: 'green', size: 1 } }), ['deny', '/data/data', 'additionalProperties'])
  assert.deepEqual(write({ color: 'green' }), ['deny', '/data', 'required'])
  const read = (query: Readonly<Record<string, string>>): unknown =>
    engine.decide(caller({}), request('read', 'secret/data/orders/theme', { query })).decision.pointer
  assert.deepEqual(
    [read({ version: '3' }), read({ version: 'x' }), read({ list: 'true' })],
    [undefined, '/query/version', '/query'],
  )
})

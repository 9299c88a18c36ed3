import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Operation } from '../../../lib/model/operation.ts'
import type { PolicyEngine } from '../../../lib/policy/engine.ts'
import { caller, engineFor, request } from '../support.ts'

interface Sourced {
  readonly id: string
  readonly path: string
  readonly effect: string
  readonly operations: readonly string[]
}

const segment = fc.constantFrom('a', 'b', 'ab', '+', '{{caller.x}}', '{{caller.y}}')
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '/', '/*', '/a*'))
  .map(([segments, end]) => segments.join('/') + end)

const sources: fc.Arbitrary<readonly Sourced[]> = fc
  .array(
    fc.record({
      path,
      effect: fc.constantFrom('allow', 'allow', 'allow', 'deny', 'forbid'),
      operations: fc.subarray(['read', 'list', 'write'], { minLength: 1 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((rules) => rules.map((rule, at) => ({ id: `r${at}`, ...rule })))

/** Values that are one segment, and values that are none. */
const value = fc.constantFrom('a', 'b', 'ab', 'c', 'a/b', '+', '*', '')
const attributes = fc.record({ x: value, y: value }, { requiredKeys: [] })

const asked = fc.tuple(
  fc.constantFrom<Operation>('read', 'list', 'write'),
  fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 1, maxLength: 4 }), fc.constantFrom('', '/'))
    .map(([segments, end]) => segments.join('/') + end),
)

/** The rules written out for one caller; those whose templates have no plain segment are gone. */
function literal(rules: readonly Sourced[], values: Readonly<Record<string, string>>): readonly Sourced[] {
  return rules.flatMap((rule) => {
    const segments = rule.path.split('/').map((part) => {
      const name = /^\{\{caller\.(.)\}\}$/.exec(part)?.[1]
      if (name === undefined) return part
      const given = values[name]
      return given === undefined || /^$|[/+*]/.test(given) ? undefined : given
    })
    return segments.includes(undefined) ? [] : [{ ...rule, path: segments.join('/') }]
  })
}

function told(engine: PolicyEngine, who: ReturnType<typeof caller>, operation: Operation, at: string): unknown {
  const { decision, rules } = engine.explain(who, request(operation, at))
  const notes = rules.filter(({ result }) => result !== 'unresolved')
  return [decision, notes.map(({ rule, result, outcome }) => `${rule} ${result} ${outcome}`)]
}

test('rules with templates decide and explain as the rules written out for the caller', async () => {
  let matched = 0
  await fc.assert(
    fc.asyncProperty(
      sources,
      attributes,
      fc.array(asked, { minLength: 10, maxLength: 30 }),
      async (rules, values, all) => {
        const templated = await engineFor(...rules)
        const written = await engineFor(...literal(rules, values))
        const who = caller(values)
        for (const [operation, at] of all) {
          const expected = told(written, who, operation, at)
          assert.deepEqual(told(templated, who, operation, at), expected, `${operation} ${at}`)
          matched += Number(JSON.stringify(expected).includes('"rule":"r'))
        }
      },
    ),
    { numRuns: 500 },
  )
  assert.ok(matched > 1000, `${matched} requests met a rule`)
})

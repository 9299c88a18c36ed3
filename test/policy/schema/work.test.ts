import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../lib/model/json.ts'
import { keysOf, Place } from '../../../lib/policy/place.ts'
import { partsOf } from '../../../lib/policy/schema/parts.ts'
import { checkWork } from '../../../lib/policy/schema/work.ts'

const NAMES = ['a', 'b']
const DEFS = ['x', 'y', 'z']

/** Schemas whose parts refer to each other's as they like. */
const { part } = fc.letrec<{ part: JsonObject; branches: JsonValue }>((tie) => ({
  branches: fc.array(tie('part'), { minLength: 1, maxLength: 2 }),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: fc.constantFrom(...DEFS).map((name): JsonObject => ({ $ref: `#/$defs/${name}` })), weight: 3 },
    fc.constant<JsonObject>({}),
    fc.dictionary(fc.constantFrom('allOf', 'anyOf', 'oneOf', 'prefixItems'), tie('branches'), {
      maxKeys: 2,
    }) as fc.Arbitrary<JsonObject>,
    fc.dictionary(
      fc.constantFrom('not', 'if', 'additionalProperties', 'items', 'contains', 'unevaluatedItems'),
      tie('part'),
      { maxKeys: 2 },
    ) as fc.Arbitrary<JsonObject>,
    fc.record({ properties: fc.dictionary(fc.constantFrom(...NAMES), tie('part')) }) as fc.Arbitrary<JsonObject>,
    fc.record({
      patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('part')),
    }) as fc.Arbitrary<JsonObject>,
  ),
}))
const schema = fc.record({
  $defs: fc.record({ x: part, y: part, z: part }),
  allOf: fc.tuple(part),
}) as unknown as fc.Arbitrary<JsonObject>
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constant(1),
    fc.dictionary(fc.constantFrom('a', 'b', 'ab'), tie('tree'), { maxKeys: 2 }),
    fc.array(tie('tree'), { maxLength: 3 }),
  ),
}))

/** How often each value is judged by a validator that leaves out nothing; the most of them. */
class Counter {
  readonly counts = new Map<string, number>()
  readonly #root: JsonObject

  constructor(root: JsonObject) {
    this.#root = root
  }

  judge(schemaOf: JsonValue, value: JsonValue, at: string): void {
    this.counts.set(at, (this.counts.get(at) ?? 0) + 1)
    if (!isJsonObject(schemaOf)) return
    for (const name of ['allOf', 'anyOf', 'oneOf']) for (const one of list(schemaOf[name])) this.judge(one, value, at)
    for (const name of ['not', 'if']) if (schemaOf[name] !== undefined) this.judge(schemaOf[name], value, at)
    if (typeof schemaOf.$ref === 'string') this.judge(this.#resolved(schemaOf.$ref), value, at)
    if (Array.isArray(value)) this.#items(schemaOf, value, at)
    else if (isJsonObject(value)) this.#properties(schemaOf, value, at)
  }

  #items(
    { prefixItems, items, contains, unevaluatedItems }: JsonObject,
    value: readonly JsonValue[],
    at: string,
  ): void {
    for (const [index, item] of value.entries()) {
      const own = list(prefixItems)[index]
      for (const one of own === undefined ? [items, unevaluatedItems, contains] : [own, contains]) {
        if (one !== undefined) this.judge(one, item, `${at}/${index}`)
      }
    }
  }

  #properties(
    { properties, patternProperties, additionalProperties }: JsonObject,
    value: JsonObject,
    at: string,
  ): void {
    for (const [name, member] of Object.entries(value)) {
      const own = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
      const matched = Object.entries(isJsonObject(patternProperties) ? patternProperties : {})
      const patterns = matched.filter(([pattern]) => new RegExp(pattern).test(name)).map(([, one]) => one)
      for (const one of [own ?? additionalProperties, ...patterns]) {
        if (one !== undefined) this.judge(one, member, `${at}/${name}`)
      }
    }
  }

  #resolved(reference: string): JsonValue {
    return keysOf(reference).reduce<JsonValue>((value, key) => (value as JsonObject)[key] ?? true, this.#root)
  }
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

test('no value is judged more often than the check of a schema expects', () => {
  let judged = 0
  fc.assert(
    fc.property(schema, fc.array(tree, { minLength: 1, maxLength: 5 }), (root, values) => {
      const expected = (max: number): boolean => {
        try {
          checkWork(partsOf(root, new Place('p.json')), max)
          return true
        } catch {
          return false
        }
      }
      // What doubles or turns in a circle is refused; a validator would not come back from it.
      fc.pre(expected(200))
      for (const value of values) {
        const counter = new Counter(root)
        counter.judge(root, value, '')
        const most = Math.max(...counter.counts.values())
        judged += 1
        assert.ok(!expected(most - 1), `${most} for ${JSON.stringify(value)}`)
      }
    }),
    { numRuns: 400 },
  )
  assert.ok(judged > 400)
})

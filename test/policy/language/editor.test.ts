import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { namespaceProblem } from '../../../lib/policy/load.ts'
import { patternProblem } from '../../../lib/policy/pattern.ts'
import { Place } from '../../../lib/policy/place.ts'
import { parseTemplate } from '../../../lib/policy/template/slots.ts'
import { SCHEMA_KEYWORDS } from '../../../lib/policy/vocabulary.ts'
import schema from '../../../schemas/policy.schema.json' with { type: 'json' }
import { engineOf } from '../support.ts'

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
ajv.addSchema(schema)

type Part = Readonly<Record<string, unknown>>

/** Every key that a part of the schema describes, by its pointer; the parts of `$defs` are asked by themselves. */
function* described(part: Part, pointer = ''): Generator<readonly [pointer: string, property: Part]> {
  for (const [name, property] of Object.entries((part.properties ?? {}) as Readonly<Record<string, Part>>)) {
    yield [`${pointer}/properties/${name}`, property]
    yield* described(property, `${pointer}/properties/${name}`)
  }
}

/** All but what tells editors which keys go together. */
const DEFS = Object.entries(schema.$defs as Readonly<Record<string, Part>>).filter(([name]) => name !== 'ruleChecks')

const PROPERTIES = [...described(schema), ...DEFS.flatMap(([name, part]) => [...described(part, `/$defs/${name}`)])]

// Beside a `$ref`, editors show the description of what is referred to, where it has one.
test('every key is described, by itself or by the part that it refers to', () => {
  assert.ok(PROPERTIES.length > 60, String(PROPERTIES.length))
  const parts = new Map(DEFS)
  for (const [pointer, property] of PROPERTIES) {
    const part = parts.get(String(property.$ref).replace('#/$defs/', ''))?.description
    assert.ok(part === undefined || property.description === undefined, `${pointer} is described once`)
    const description = property.description ?? part
    assert.ok(typeof description === 'string' && /^[A-Za-z].*\.$/.test(description), `${pointer}: ${description}`)
  }
})

test('examples and defaults of the keys are what they are examples of', () => {
  let count = 0
  for (const [pointer, property] of PROPERTIES) {
    const isValid = ajv.compile({ $ref: `${schema.$id}#${pointer.replaceAll('$', '%24')}` })
    const given = [...((property.examples ?? []) as unknown[]), ...('default' in property ? [property.default] : [])]
    for (const value of given) assert.ok(isValid(value), `${pointer}: ${JSON.stringify(value)}`)
    count += given.length
  }
  assert.ok(count > 25, String(count))
})

test('the example of a policy loads', async () => {
  for (const example of schema.examples) await assert.doesNotReject(engineOf(example))
})

test('an editor knows the keywords of schemas that the gateway knows', () => {
  assert.deepEqual(Object.keys(schema.$defs.jsonSchema.properties).sort(), [...SCHEMA_KEYWORDS].sort())
})

const segment = fc.oneof(
  fc.constantFrom('a', 'é ', '+', '*', '.', '..', '...', '', 'a+', '+a', 'a*', '{{caller.x}}', '{{caller.x}}*'),
  fc.constantFrom('{{', '}}', '{', 'a{{caller.x}}', '{{caller.}}', '{{caller}}', '\u0000', '\u009f', '😀'),
)
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))

test('an editor takes the paths that the gateway takes', () => {
  const isPath = ajv.compile({ $ref: `${schema.$id}#/%24defs/ruleChecks` })
  const taken = new Set<boolean>()
  fc.assert(
    fc.property(
      path.filter((text) => text !== ''),
      (text) => {
        const { shape } = parseTemplate(text, new Place('p'))
        const expected = patternProblem(shape) === undefined
        assert.equal(isPath({ path: text }), expected, text)
        taken.add(expected)
      },
    ),
    { numRuns: 5000 },
  )
  assert.equal(taken.size, 2)
})

test('an editor takes the namespaces that the gateway takes', () => {
  const isNamespace = ajv.compile({ $ref: `${schema.$id}#/%24defs/namespace` })
  fc.assert(
    fc.property(path, (text) => assert.equal(isNamespace(text), namespaceProblem(text) === undefined, text)),
    { numRuns: 2000 },
  )
})

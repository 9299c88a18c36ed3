import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { engineOf } from '../support.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SCHEMA = 'schemas/policy.schema.json'
const schema = JSON.parse(readFileSync(join(ROOT, SCHEMA), 'utf8'))
const isPolicy = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)

interface Example {
  readonly where: string
  readonly document: Readonly<Record<string, unknown>>
}

const isPolicyLike = (document: unknown): boolean =>
  Array.isArray(Object(document).rules) && 'policy' in Object(document)

const FILES: readonly Example[] = globSync('examples/**/*.json', {
  cwd: ROOT,
  exclude: (name) => name === 'node_modules',
})
  .map((where) => ({ where, document: JSON.parse(readFileSync(join(ROOT, where), 'utf8')) }))
  .filter(({ document }) => isPolicyLike(document))

const DOCUMENTS = ['README.md', 'lib/policy/README.md', 'adapters/cli/README.md'].filter((file) =>
  existsSync(join(ROOT, file)),
)
const BLOCKS: readonly Example[] = DOCUMENTS.flatMap((where) =>
  [...readFileSync(join(ROOT, where), 'utf8').matchAll(/^```json\n(.*?)^```/gms)]
    .map(([, text]) => ({ where, document: JSON.parse(text ?? '') }))
    .filter(({ document }) => isPolicyLike(document)),
)

test('there are examples of policies, in files and in documents', () => {
  assert.ok(FILES.length >= 2 && BLOCKS.length >= 2, `${FILES.length} files, ${BLOCKS.length} blocks`)
})

for (const [at, { where, document }] of [...FILES, ...BLOCKS].entries()) {
  test(`the example ${document.policy} of ${where} loads, and pleases an editor (${at})`, async () => {
    await assert.doesNotReject(engineOf(document))
    assert.ok(isPolicy(document), JSON.stringify(isPolicy.errors))
  })
}

for (const { where, document } of FILES) {
  test(`the $schema of ${where} leads an editor to the schema`, () => {
    const { $schema } = document
    assert.ok(typeof $schema === 'string', 'it names a schema')
    assert.equal(relative(ROOT, join(ROOT, dirname(where), $schema)), SCHEMA)
  })
}

test('the $schema of the documents leads an editor to the schema of the package', () => {
  const { exports, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const { where, document } of BLOCKS) {
    if (!('$schema' in document)) continue
    // From the folder of the service, or from a folder of policies below it.
    assert.match(String(document.$schema), /^\.\.?\/node_modules\/portcullis\/schemas\/policy\.schema\.json$/, where)
  }
  assert.ok(files.includes('schemas'))
  assert.equal(exports['./schemas/*'], './schemas/*')
  // As a program finds it that asks for it by the name of the package.
  const script = `process.stdout.write(import.meta.resolve('portcullis/${SCHEMA}'))`
  const found = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' })
  assert.ok(found.endsWith(`/${SCHEMA}`), found)
})

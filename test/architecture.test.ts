import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, sourceOf, sourcesIn } from './support/imports.ts'
import * as rules from './support/rules.ts'

const SOURCES = sourcesIn(...['lib', 'adapters'].filter((folder) => existsSync(join(ROOT, folder))))

/** A rule, what it says, and sources that break it: a rule that finds nothing anywhere would go unnoticed. */
const RULES: readonly (readonly [statement: string, rule: rules.Rule, planted: Readonly<Record<string, string>>])[] = [
  [
    'model, errors, ports and options import only what stands before them',
    rules.foundationLooksBack,
    { 'lib/model/a.ts': "import type { Clock } from '../ports/clock.ts'" },
  ],
  [
    'ideas import the foundation, and types of each other',
    rules.ideasKnowTypesOfEachOther,
    { 'lib/audit/a.ts': "import { x } from '../policy/b.ts'" },
  ],
  [
    'drivers import the foundation and system',
    rules.driversKnowTheFoundation,
    { 'lib/http/a.ts': "import type { X } from '../policy/b.ts'" },
  ],
  [
    'mount views import the foundation, and types of the pipeline',
    rules.mountsKnowTheModel,
    { 'lib/mount/a.ts': "import { x } from '../pipeline/b.ts'" },
  ],
  [
    'the pipeline imports types of the ideas, and no driver',
    rules.pipelineKnowsTypesOfIdeas,
    { 'lib/pipeline/a.ts': "import {\n  x,\n  y,\n} from '../http/b.ts'" },
  ],
  [
    'the plugin host imports the foundation and system, the SDK of it the wire alone',
    rules.pluginsShareTheWire,
    {
      'lib/plugin-host/a.ts': "import { x } from '../http/b.ts'",
      'lib/plugin/a.ts': "import { x } from '../plugin-host/router/b.ts'",
    },
  ],
  [
    'nothing but the plugin host and the SDK imports them',
    rules.wireStaysAtHome,
    { 'lib/pipeline/a.ts': "import { x } from '../plugin-host/wire/b.ts'" },
  ],
  [
    'adapters import public entries alone',
    rules.adaptersKnowEntries,
    { 'adapters/express/index.ts': "import { x } from '../../lib/policy/b.ts'" },
  ],
  [
    'lib/index.ts re-exports names and does nothing else',
    rules.surfaceOnlyReExports,
    { 'lib/index.ts': "export { x } from './a.ts'\nx()" },
  ],
  ['nothing exports all of a module', rules.nothingExportsAll, { 'lib/model/a.ts': "export * from './b.ts'" }],
  [
    'ideas have no time, chance, process, console or network of their own',
    rules.ideasActThroughPorts,
    {
      'lib/lease/a.ts': 'const now = Date.now()',
      'lib/lease/b.ts': 'setTimeout(run, 1)',
      'lib/lease/c.ts': "import { readFile } from 'node:fs/promises'",
    },
  ],
  [
    'undici lives in http, OpenTelemetry in telemetry behind import(), ajv in policy and the SDK, re2js in policy, protobuf and lmdb in the plugin host',
    rules.packagesStayAtHome,
    {
      'lib/pipeline/a.ts': "import { Agent } from 'undici'",
      'lib/telemetry/a.ts': "import { trace } from '@opentelemetry/api'",
      'lib/options/a.ts': "const { RE2JS } = await import('re2js')",
      'lib/plugin-host/a.ts': "import { open } from 'lmdb'",
    },
  ],
  ['no file of lib is longer than 350 lines', rules.filesAreShort, { 'lib/model/a.ts': 'x\n'.repeat(351) }],
  [
    'no imports go in a circle at run time',
    rules.noRuntimeCycle,
    { 'lib/model/a.ts': "export { b } from './b.ts'", 'lib/model/b.ts': "import { a } from './a.ts'" },
  ],
]

for (const [statement, rule, planted] of RULES) {
  test(statement, () => assert.deepEqual(rule(SOURCES), []))

  test(`a breach is found: ${statement}`, () => {
    const found = rule(Object.entries(planted).map(([path, text]) => sourceOf(path, text)))
    const isPerFile = rule !== rules.noRuntimeCycle
    assert.equal(found.length, isPerFile ? Object.keys(planted).length : 1)
  })
}

test('types that go in a circle are no circle at run time', () => {
  const sources = [
    sourceOf('lib/model/a.ts', "import type { B } from './b.ts'"),
    sourceOf('lib/model/b.ts', "import { a } from './a.ts'"),
  ]
  assert.deepEqual(rules.noRuntimeCycle(sources), [])
})

test('imports in comments and texts are none', () => {
  const text =
    "// import { a } from 'a'\n/** import { b } from 'b' */\nconst url = 'http://x' // import 'c'\nimport 'd'"
  assert.deepEqual(
    sourceOf('lib/a.ts', text).imports.map(({ target }) => target),
    ['d'],
  )
})

const FOLDERS: ReadonlySet<string> = new Set(['lib', 'adapters', 'schemas', 'examples', 'test'])

test('the folders of the checkout are lib, adapters, schemas, examples and test', (t) => {
  if (!existsSync(join(ROOT, '.git'))) return t.skip('no git checkout')
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0')
  const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''))
  const others = [...folders].filter((folder) => !FOLDERS.has(folder) && !folder.startsWith('.'))
  assert.deepEqual(others, [])
})

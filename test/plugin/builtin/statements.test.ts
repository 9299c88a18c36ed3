import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandsOf, fillStatement } from '../../../lib/plugin/builtin/postgresql/statements.ts'
import { PluginRefusal } from '../../../lib/plugin/refusal.ts'

const PLAIN = { name: 'v-app-1', username: 'v-app-1', password: 'pw', expiration: '2026-01-31 13:59:00+0000' }

const FILLED: readonly (readonly [statement: string, name: string, expected: string])[] = [
  [`CREATE ROLE "{{name}}" PASSWORD '{{password}}'`, 'a"b', `CREATE ROLE "a""b" PASSWORD 'pw'`],
  [`SELECT '{{name}}'`, "a'; DROP TABLE t; --", `SELECT 'a''; DROP TABLE t; --'`],
  [`SELECT '{{name}}'`, 'a\\', `SELECT 'a\\'`],
  [`SELECT E'{{name}}'`, "\\' OR 1", `SELECT E'\\\\'' OR 1'`],
  [`SELECT U&'{{name}}', U&"{{name}}"`, '\\0027"', `SELECT U&'\\\\0027"', U&"\\\\0027"""`],
  [`SELECT name E'x', '{{name}}'`, 'a\\', `SELECT name E'x', 'a\\'`],
  [`SELECT typeE'{{name}}'`, 'a\\', `SELECT typeE'a\\'`],
  [`SELECT 'it''s {{name}}', "q""{{name}}"`, `x'"`, `SELECT 'it''s x''"', "q""x'"""`],
  [`SELECT E'\\'{{name}}'`, "x'", `SELECT E'\\'x'''`],
  [`SELECT E'a'\n'{{name}}', '{{name}}'`, "\\'", `SELECT E'a'\n'\\\\''', '\\'''`],
  [`SELECT E'a' -- b'\n\t-- c\n '{{name}}'`, "\\'", `SELECT E'a' -- b'\n\t-- c\n '\\\\'''`],
  [`SELECT E'a' '{{name}}'`, "\\'", `SELECT E'a' '\\'''`],
  [`GRANT r TO {{name}};`, 'app_1', 'GRANT r TO app_1;'],
  [`SELECT a$b, '{{name}}' FROM c$d`, "x'", `SELECT a$b, 'x''' FROM c$d`],
  [`SELECT $1, '{{name}}', $2`, "x'", `SELECT $1, 'x''', $2`],
  [`-- {{name}} isn't\nSELECT '{{name}}'`, 'ok', `-- ok isn't\nSELECT 'ok'`],
  [`/* a /* ' */ {{name}} */ SELECT '{{name}}'`, 'ok', `/* a /* ' */ ok */ SELECT 'ok'`],
  [
    `DO $$ BEGIN EXECUTE 'CREATE ROLE "{{name}}"'; END $$`,
    'v-a-1',
    `DO $$ BEGIN EXECUTE 'CREATE ROLE "v-a-1"'; END $$`,
  ],
  [`DO $x$ SELECT $$'$$ $x$; SELECT '{{name}}'`, "a'", `DO $x$ SELECT $$'$$ $x$; SELECT 'a'''`],
  [`SELECT '{{other}} {{ name }}'`, 'x', `SELECT '{{other}} {{ name }}'`],
  [`SELECT '{{name}}'`, '{{password}}', `SELECT '{{password}}'`],
  [`SELECT '{{name}}`, "a'", `SELECT 'a''`],
]

for (const [statement, name, expected] of FILLED)
  test(`${JSON.stringify(name)} stays a value in ${statement}`, () => {
    assert.equal(fillStatement(statement, { ...PLAIN, name }), expected)
  })

const REFUSED: readonly (readonly [statement: string, name: string])[] = [
  ['GRANT r TO {{name}}', 'a; DROP TABLE t'],
  ['GRANT r TO {{name}}', 'v-app-1'],
  ['GRANT r TO {{name}}', ''],
  ['-- {{name}}\nSELECT 1', 'a\nDROP TABLE t'],
  ['/* {{name}} */ SELECT 1', '*/ DROP TABLE t; /*'],
  [`DO $$ BEGIN EXECUTE '{{name}}'; END $$`, "a'; DROP TABLE t; --"],
  [`DO $$ BEGIN EXECUTE 'CREATE ROLE "{{name}}"'; END $$`, 'a" SUPERUSER'],
  [`DO $$ BEGIN EXECUTE 'CREATE ROLE {{name}}'; END $$`, 'a SUPERUSER'],
  ['DO $$ BEGIN GRANT r TO {{name}}; END $$', 'v-app-1'],
  [`DO $$ SELECT '{{name}}' $$`, '$$; DROP TABLE t; --'],
  [`DO $x$ SELECT '{{name}}' $x$`, '$x$; DROP TABLE t; --'],
  [`DO $x$ SELECT '{{name}}x$ $x$`, '$'],
  [`SELECT '{{name}}'`, 'a\0b'],
]

for (const [statement, name] of REFUSED)
  test(`${JSON.stringify(name)} is refused in ${statement}, without being told`, () => {
    assert.throws(
      () => fillStatement(statement, { ...PLAIN, name }),
      (error) => error instanceof PluginRefusal && (name === '' || !error.message.includes(name)),
    )
  })

test('whatever the value, a reader of SQL finds it again between the quotes', () => {
  const parts = ["'", '"', '\\', '$', '$$', '--', '/*', '*/', ';', '\n', 'E', 'x', '{{password}}', 'ü', ' ']
  for (let seed = 1; seed < 3_000; seed += 1) {
    let left = seed * 7_919
    let name = ''
    while (left > 0) {
      name += parts[left % parts.length]
      left = Math.floor(left / parts.length)
    }
    assert.equal(/^'((?:[^']|'')*)'$/.exec(fillStatement(`'{{name}}'`, { name }))?.[1]?.replaceAll("''", "'"), name)
    assert.equal(/^"((?:[^"]|"")*)"$/.exec(fillStatement(`"{{name}}"`, { name }))?.[1]?.replaceAll('""', '"'), name)
    const escaped = /^E'((?:[^'\\]|''|\\\\)*)'$/.exec(fillStatement(`E'{{name}}'`, { name }))?.[1]
    assert.equal(escaped?.replaceAll("''", "'").replaceAll('\\\\', '\\'), name)
  }
})

test('statements are texts, lists in JSON, and base64 of either; blank ones are none', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  assert.deepEqual(commandsOf(['SELECT 1; SELECT 2', ' ', '']), ['SELECT 1; SELECT 2'])
  assert.deepEqual(commandsOf(['["SELECT 1", "SELECT 2"]']), ['SELECT 1', 'SELECT 2'])
  assert.deepEqual(commandsOf([base64('SELECT 1; SELECT 2')]), ['SELECT 1; SELECT 2'])
  assert.deepEqual(commandsOf([base64('["SELECT 1"]')]), ['SELECT 1'])
  assert.deepEqual(commandsOf(['ROLLBACK', '[1]', '[broken']), ['ROLLBACK', '[1]', '[broken'])
})

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { GENERATED, generateCode, hasProtoc } from '../../support/protos.ts'

const isCi = !['', '0', 'false'].includes(process.env.CI ?? '')
const skip = !isCi && !hasProtoc() && 'no protoc here (protobuf-compiler)'

test('the generated code is what the .proto files say', { skip }, (t) => {
  const fresh = mkdtempSync(join(tmpdir(), 'gen-'))
  t.after(() => rmSync(fresh, { recursive: true, force: true }))
  generateCode(fresh)
  const expected = contents(fresh)
  assert.ok(Object.keys(expected).length > 10)
  assert.deepEqual(contents(GENERATED), expected)
})

function contents(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.ts')).sort()
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

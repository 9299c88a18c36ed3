import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as errors from '../../lib/errors/index.ts'
import { errorTable, REGENERATE } from '../support/error-table.ts'
import { OURS } from './samples.ts'

const README = new URL('../../lib/errors/README.md', import.meta.url)
const facts = Object.entries(errors.ERROR_CODES)

test('lib/errors/README.md lists exactly the codes of codes.ts', () => {
  assert.equal(readFileSync(README, 'utf8'), errorTable(), `write it anew: ${REGENERATE}`)
})

test('a code is named ERR_PORTCULLIS_<AREA>_<WHAT>', () => {
  for (const [code] of facts) assert.match(code, /^ERR_PORTCULLIS_[A-Z]+(_[A-Z]+)+$/)
})

test('each code is carried by an exported class of that kind', () => {
  for (const [code, { kind }] of facts) assert.equal(OURS[kind].kind, kind, code)
})

test('each exported class carries at least one code', () => {
  const kinds = new Set<string>(facts.map(([, { kind }]) => kind))
  for (const value of Object.values(errors)) {
    if (typeof value !== 'function' || value === errors.PortcullisError) continue
    assert.ok(kinds.has(value.kind), value.name)
  }
})

test('a meaning is one line of whole sentences', () => {
  for (const [code, { meaning }] of facts) assert.match(meaning, /^[A-Z].*\.$/, code)
})

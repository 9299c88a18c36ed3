import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FINDING_CODES } from '../../../lib/policy/index.ts'
import { findingTable, REGENERATE } from '../../support/finding-table.ts'

test('lib/policy/analysis/README.md lists exactly the codes of finding.ts', () => {
  const readme = new URL('../../../lib/policy/analysis/README.md', import.meta.url)
  assert.equal(readFileSync(readme, 'utf8'), findingTable(), `write it anew: ${REGENERATE}`)
})

test('a meaning is one line that says what to do', () => {
  for (const [code, { meaning }] of Object.entries(FINDING_CODES)) {
    assert.match(code, /^[a-z0-9]+(-[a-z0-9]+)*$/)
    assert.match(meaning, /^[A-Z][^\n]+[.] [A-Z][^\n]+[.]$/, code)
  }
})

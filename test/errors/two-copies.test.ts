import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ErrorKind } from '../../lib/errors/index.ts'
import { type Classes, OURS, samples } from './samples.ts'

/** The module as a second installed copy of the package would have it: same text, other file. */
async function secondCopy(t: TestContext): Promise<Classes> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-errors-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(fileURLToPath(new URL('../../lib/errors', import.meta.url)), folder, { recursive: true })
  return import(pathToFileURL(join(folder, 'index.ts')).href)
}

const KINDS = Object.keys(samples()) as ErrorKind[]

test('an error of another copy of the package matches the same class here, and no other', async (t) => {
  const theirs = await secondCopy(t)
  assert.notEqual(theirs.ServerError, OURS.ServerError)
  for (const [kind, error] of Object.entries(samples(theirs))) {
    const matches = KINDS.filter((other) => error instanceof OURS[other])
    assert.deepEqual(matches, [kind])
    assert.ok(error instanceof OURS.PortcullisError)
  }
})

test('an error from here matches the same class of another copy, and no other', async (t) => {
  const theirs = await secondCopy(t)
  for (const [kind, error] of Object.entries(samples())) {
    const matches = KINDS.filter((other) => error instanceof theirs[other])
    assert.deepEqual(matches, [kind])
    assert.ok(error instanceof theirs.PortcullisError)
  }
})

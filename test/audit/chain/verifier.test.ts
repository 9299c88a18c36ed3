import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { type Checkpoint, createSigner } from '../../../lib/audit/chain/checkpoint.ts'
import type { FindingKind } from '../../../lib/audit/chain/finding.ts'
import { CHAIN_START, hashOf, type Linked, link } from '../../../lib/audit/chain/link.ts'
import { assertEntry, isEntry } from '../../support/entry-schema.ts'
import { chainOf, textOf, verified } from './support.ts'

const TIME = '2026-01-01T00:00:00.000Z'
const FIVE = chainOf(5)
const [one, two, three, four, five] = FIVE as unknown as readonly [Linked, Linked, Linked, Linked, Linked]
const OTHER: Linked = { line: '{"forged":true}', n: 0, hash: '' }

test('a chain that was left alone raises no alarm, however it is read', () => {
  for (const chunkBytes of [1, 3, 100, 10_000]) {
    const { finding, lines, from, to, unchained, torn } = verified([textOf(FIVE)], {}, chunkBytes)
    assert.equal(finding, undefined)
    assert.deepEqual([lines, from, to, unchained, torn], [5, 1, { n: 5, hash: five.hash }, 0, []])
  }
})

test('the hash of a line covers it up to its own hash, and the next line has it as prev', () => {
  const covered = two.line.slice(0, two.line.indexOf(',"hash"'))
  assert.equal(JSON.parse(two.line).chain.hash, hashOf(covered))
  assert.equal(JSON.parse(two.line).chain.prev, one.hash)
  assert.equal(JSON.parse(one.line).chain.prev, CHAIN_START.hash)
})

const changed: Linked = { ...three, line: three.line.replace('"sequence":3', '"sequence":4') }
const shut: Linked = { ...three, line: three.line.replace(',"chain"', ',"chaim"') }

const EDITS: readonly (readonly [edit: string, what: FindingKind, line: number, lines: readonly Linked[]])[] = [
  ['a line is changed', 'changed', 3, [one, two, changed, four, five]],
  ['the last line is changed', 'changed', 3, [one, two, changed]],
  ['the chain of a line is changed', 'inserted', 3, [one, two, shut, four, five]],
  ['the chain of the last line is changed', 'inserted', 3, [one, two, shut]],
  ['a line is removed', 'missing', 3, [one, two, four, five]],
  ['the first line is removed', 'head', 1, [two, three, four, five]],
  ['two lines change places', 'missing', 3, [one, two, four, three, five]],
  ['the last line is moved to the front', 'head', 1, [five, one, two, three, four]],
  ['a line stands twice', 'repeated', 4, [one, two, three, three, four, five]],
  ['a line is inserted', 'inserted', 3, [one, two, OTHER, three, four, five]],
  ['a line is inserted at the front', 'inserted', 1, [OTHER, one, two]],
  ['a line is added at the end', 'inserted', 3, [one, two, OTHER]],
  ['a line that fits is put in place of another', 'replaced', 4, [one, two, link('{"forged":true}', two), four, five]],
  ['a line that fits is put between', 'repeated', 4, [one, two, link('{"forged":true}', two), three, four]],
  ['another chain is put there', 'repeated', 6, [...FIVE, ...chainOf(3)]],
  ['all is removed', 'unchained', 0, []],
]

for (const [edit, what, line, lines] of EDITS) {
  test(`${edit}: ${what}, and the line is named`, () => {
    const { finding } = verified([textOf(lines)])
    assert.deepEqual([finding?.what, finding?.file, finding?.line], [what, 'file-1', line])
  })
}

test('a chain goes on from file to file, and a file that is missing is told', () => {
  const files = [FIVE, chainOf(2, five), chainOf(2, { n: 7, hash: chainOf(2, five)[1]?.hash ?? '' })].map(textOf)
  assert.deepEqual([verified(files).finding, verified(files).to.n], [undefined, 9])
  assert.deepEqual([verified(files.slice(1)).finding, verified(files.slice(1)).from], [undefined, 6])
  const missing = verified([files[0] ?? '', files[2] ?? '']).finding
  assert.deepEqual([missing?.what, missing?.file, missing?.line], ['missing', 'file-2', 1])
  assert.match(missing?.message ?? '', /lines 6 to 7 /)
})

test('torn text that the next line tells of is named and no alarm; changed or removed, it is one', () => {
  const torn = '{"half":"a li'
  const rest = chainOf(2, two, { torn: hashOf(torn) })
  const before = textOf([one, two])
  const { finding, torn: places } = verified([`${before}${torn}\n${textOf(rest)}`])
  assert.deepEqual([finding, places], [undefined, [{ file: 'file-1', line: 3 }]])
  assert.equal(verified([`${before}${torn}x\n${textOf(rest)}`]).finding?.what, 'inserted')
  assert.equal(verified([`${before}${textOf(rest)}`]).finding?.what, 'missing')
  const atEnd = verified([`${before}${torn}`])
  assert.deepEqual([atEnd.finding, atEnd.torn], [undefined, [{ file: 'file-1', line: 3 }]])
})

test('a last line without its newline is whole; with another byte in its place it was changed', () => {
  assert.deepEqual(verified([textOf([one, two]).trimEnd()]).to.n, 2)
  assert.equal(verified([`${textOf([one, two]).trimEnd()}x`]).finding?.what, 'changed')
})

test('lines from before the chain are counted, and nothing is said of them', () => {
  const { finding, unchained, from } = verified([`{"old":1}\n{"old":2}\n${textOf(chainOf(2, CHAIN_START, {}))}`])
  assert.deepEqual([finding, unchained, from], [undefined, 2, 1])
})

const KEYS = generateKeyPairSync('ed25519')
const SIGNER = createSigner(KEYS.privateKey)
const FOREIGN = generateKeyPairSync('ed25519').publicKey

function withCheckpoint(checkpoint: Checkpoint = SIGNER.sign(three, TIME, 'i')): readonly Linked[] {
  return [one, two, three, link(JSON.stringify(checkpoint), three)]
}

test('a checkpoint covers the lines before it, for who has the key', () => {
  const files = [textOf(withCheckpoint())]
  const { finding, checkpoints, signedTo } = verified(files, { publicKeys: [FOREIGN, KEYS.publicKey] })
  assert.deepEqual([finding, checkpoints, signedTo], [undefined, 1, 3])
  assert.deepEqual(verified(files, { publicKeys: [FOREIGN] }).finding?.what, 'signature')
  assert.equal(verified([textOf(FIVE)], { publicKeys: [KEYS.publicKey] }).finding?.what, 'unsigned')
})

test('a checkpoint that was changed, or moved to another chain, is found although the chain was made anew', () => {
  const publicKeys = [KEYS.publicKey]
  const later = { ...SIGNER.sign(three, TIME, 'i'), time: '2027-01-01T00:00:00.000Z' }
  assert.equal(verified([textOf(withCheckpoint(later))], { publicKeys }).finding?.what, 'signature')
  const elsewhere = SIGNER.sign(two, TIME, 'i')
  assert.equal(verified([textOf(withCheckpoint(elsewhere))], { publicKeys }).finding?.what, 'rewritten')
})

test('a tail that was cut, and a chain made anew, are found against a checkpoint kept elsewhere', () => {
  const checkpoints = [SIGNER.sign(five, TIME, 'i')]
  const options = { checkpoints, publicKeys: [KEYS.publicKey] }
  assert.equal(verified([textOf(FIVE)], { checkpoints }).finding, undefined)
  const cut = verified([textOf([one, two])], options).finding
  assert.deepEqual([cut?.what, cut?.line], ['cut', 2])
  assert.match(cut?.message ?? '', /ends with line 2; a checkpoint kept elsewhere tells of line 5/)
  const anew = chainOf(6, CHAIN_START, { isFirst: true, torn: hashOf('another') })
  assert.equal(verified([textOf(anew)], { checkpoints }).finding?.what, 'rewritten')
  const forged = [...[one, two, three, four], link('{"forged":1}', four)]
  assert.equal(verified([textOf(forged)], { checkpoints }).finding?.what, 'rewritten')
  assert.throws(() => verified([], { checkpoints, publicKeys: [FOREIGN] }), TypeError)
  const later = chainOf(2, five)
  assert.deepEqual(verified([textOf(later)], { checkpoints }).unknown, 1)
})

test('what is no object on a line cannot be linked', () => {
  for (const line of ['', '{}', '[1]', '"x"', '{"a":1}\n']) assert.throws(() => link(line, CHAIN_START), TypeError)
})

test('lines of a chain, and checkpoints in it, satisfy the schema', () => {
  const gap = { time: TIME, type: 'gap', instance: 'i', gap: { count: 1, from_sequence: 1, to_sequence: 1 } }
  const first = link(JSON.stringify(gap), CHAIN_START, { isFirst: true, torn: hashOf('x') })
  assertEntry(JSON.parse(first.line))
  assertEntry(JSON.parse(link(JSON.stringify(SIGNER.sign(first, TIME, 'i')), first).line))
  assert.equal(isEntry({ ...gap, chain: { n: 1, prev: first.hash } }), false)
})

import { LineCutter } from '../../../lib/audit/chain/lines.ts'
import { CHAIN_START, type Linked, link, type Marks, type Position } from '../../../lib/audit/chain/link.ts'
import { ChainVerifier, type Verified, type VerifierOptions } from '../../../lib/audit/chain/verifier.ts'

/** `count` lines of a chain, the first one the first of its file. */
export function chainOf(
  count: number,
  after: Position = CHAIN_START,
  marks: Marks = { isFirst: true },
): readonly Linked[] {
  const lines: Linked[] = []
  for (let i = 0; i < count; i++) {
    const before = lines.at(-1) ?? after
    lines.push(link(`{"sequence":${before.n + 1},"text":"é"}`, before, i === 0 ? marks : {}))
  }
  return lines
}

export function textOf(lines: readonly Linked[]): string {
  return lines.map(({ line }) => `${line}\n`).join('')
}

/** Verifies files, each cut into chunks of `chunkBytes`. */
export function verified(files: readonly (string | Buffer)[], options: VerifierOptions = {}, chunkBytes = 7): Verified {
  const verifier = new ChainVerifier(options)
  for (const [index, file] of files.entries()) {
    const bytes = Buffer.from(file)
    const cutter = new LineCutter(verifier)
    verifier.file(`file-${index + 1}`)
    for (let at = 0; at < bytes.length; at += chunkBytes) cutter.chunk(bytes.subarray(at, at + chunkBytes))
    cutter.end()
  }
  return verifier.end()
}

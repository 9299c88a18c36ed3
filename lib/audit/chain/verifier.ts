import { createHash, type Hash, type KeyObject } from 'node:crypto'
import { type Checkpoint, isSignedBy, keyIdOf, readCheckpoint } from './checkpoint.ts'
import type { Finding, FindingKind } from './finding.ts'
import { CHAIN_START, hashOf, type Position } from './link.ts'
import { readSuffix, type Suffix } from './suffix.ts'

/** A place in the files. */
export interface Place {
  readonly file: string
  readonly line: number
}

export interface VerifierOptions {
  /** Of those who may sign checkpoints. With one, there must be a checkpoint. */
  readonly publicKeys?: readonly KeyObject[]
  /** Kept elsewhere. */
  readonly checkpoints?: readonly Checkpoint[]
}

/** What a verification came to. */
export interface Verified {
  /** The first that was found; `undefined`: the chain was left alone. */
  readonly finding: Finding | undefined
  /** Lines of the chain that were checked. */
  readonly lines: number
  /** Number of the first line in its chain; above 1 where older files were not given. 0: there is none. */
  readonly from: number
  /** The last line. */
  readonly to: Position
  /** Lines before the beginning of the chain, which nothing covers. */
  readonly unchained: number
  /** Text that a killed process or a full disk left, and that the chain covers (but for the last, at the very end). */
  readonly torn: readonly Place[]
  /** Checkpoints in the files. */
  readonly checkpoints: number
  /** Number of the last line that a checkpoint covers, its signature checked where a key was given. */
  readonly signedTo: number
  /** Checkpoints kept elsewhere that tell of lines before the first. */
  readonly unknown: number
}

/** Text between two lines of the chain. */
interface Torn extends Place {
  readonly hash: Hash
  /** Does it end in a newline? */
  isEnded: boolean
}

const CHECKPOINT_BEGIN = Buffer.from('{"type":"checkpoint"')
const WHOLE_SUFFIX = /"hash":"[0-9a-f]{64}"\}\}/

/** Checks the lines of a chain, one after the other, file by file, oldest first. Holds no line. */
export class ChainVerifier {
  /** By their ids. */
  readonly #keys: ReadonlyMap<string, KeyObject>
  readonly #kept = new Map<number, Checkpoint[]>()
  readonly #torn: Place[] = []
  #finding: Finding | undefined
  #place: { file: string; line: number } = { file: '', line: 0 }
  #last: Position = CHAIN_START
  #from = 0
  #lines = 0
  #unchained = 0
  #checkpoints = 0
  #signedTo = 0
  #pending: Torn | undefined

  /** @throws {TypeError} a checkpoint kept elsewhere was signed with none of the keys. */
  constructor({ publicKeys = [], checkpoints = [] }: VerifierOptions = {}) {
    this.#keys = new Map(publicKeys.map((key) => [keyIdOf(key), key]))
    for (const checkpoint of checkpoints) {
      if (!this.#isSigned(checkpoint))
        throw new TypeError('a checkpoint kept elsewhere is not signed with the key given')
      this.#kept.set(checkpoint.n, [...(this.#kept.get(checkpoint.n) ?? []), checkpoint])
    }
  }

  /** Has something been found? The rest need not be read. */
  get isDone(): boolean {
    return this.#finding !== undefined
  }

  /** What follows is of this file. */
  file(name: string): void {
    this.#place = { file: name, line: 0 }
  }

  /** The next line, without newline. @param isEnded - Does a newline follow? */
  line(line: Buffer, isEnded: boolean): void {
    if (this.#finding !== undefined) return
    this.#place.line += 1
    const suffix = readSuffix(line)
    if (suffix === undefined || (!isEnded && hashOf(line.subarray(0, suffix.covered)) !== suffix.hash)) {
      this.#foreign(line, isEnded)
    } else if (hashOf(line.subarray(0, suffix.covered)) !== suffix.hash) {
      const at = this.#pending ?? this.#place
      this.#find('changed', 'the line is not what it was when it was written', at)
    } else if (this.#from === 0) this.#begin(line, suffix)
    else this.#next(line, suffix)
  }

  end(): Verified {
    if (this.#finding === undefined) this.#end()
    return {
      finding: this.#finding,
      lines: this.#lines,
      from: this.#from,
      to: this.#last,
      unchained: this.#unchained,
      torn: this.#torn,
      checkpoints: this.#checkpoints,
      signedTo: this.#signedTo,
      unknown: [...this.#kept.keys()].filter((n) => n < this.#from).length,
    }
  }

  #foreign(line: Buffer, isEnded: boolean): void {
    if (this.#from === 0) {
      this.#unchained += 1
      return
    }
    if (!isEnded && WHOLE_SUFFIX.test(line.toString('latin1'))) {
      this.#find('changed', 'the newline that ended the line is gone')
      return
    }
    // The next line of the chain has to tell of it: see #follow.
    if (this.#pending === undefined)
      this.#pending = { ...this.#place, hash: createHash('sha256').update(line), isEnded }
    else {
      this.#pending.hash.update('\n').update(line)
      this.#pending.isEnded = isEnded
    }
  }

  #begin(line: Buffer, suffix: Suffix): void {
    const isBeginning = this.#place.line === 1
    if (isBeginning && !suffix.isFirst) {
      this.#find('head', `the file begins with line ${suffix.n} of the chain: what stood before it was removed`)
      return
    }
    if (!isBeginning && (suffix.isFirst || suffix.n !== 1)) {
      this.#find('inserted', 'there are lines before the one that began the file', { ...this.#place, line: 1 })
      return
    }
    if (suffix.n === 1 && suffix.prev !== CHAIN_START.hash) {
      this.#find('replaced', 'the first line of the chain tells of one before it')
      return
    }
    this.#from = suffix.n
    this.#accept(line, suffix)
  }

  #next(line: Buffer, suffix: Suffix): void {
    const { n, hash } = this.#last
    if (suffix.n === n + 1 && suffix.prev === hash) {
      this.#follow(line, suffix)
      return
    }
    const torn = this.#pending
    if (torn !== undefined) this.#find('inserted', 'the line is none of the chain, or was one and was changed', torn)
    else if (suffix.n > n + 1)
      this.#find('missing', `${numbered(n + 1, suffix.n - 1)} of the chain should stand here: removed, or moved`)
    else if (suffix.n <= n)
      this.#find('repeated', `line ${suffix.n} of the chain stands where ${n + 1} should: repeated, or moved`)
    else this.#find('replaced', `line ${suffix.n} of the chain does not follow from the one before it`)
  }

  #follow(line: Buffer, suffix: Suffix): void {
    const torn = this.#pending
    if (torn === undefined && suffix.torn !== undefined) {
      this.#find('missing', 'torn text that stood here was removed')
      return
    }
    if (torn !== undefined && torn.hash.digest('hex') !== suffix.torn) {
      this.#find('inserted', 'the line is none of the chain', torn)
      return
    }
    if (suffix.isFirst && this.#place.line !== 1) {
      this.#find('inserted', 'there are lines before the one that began the file', { ...this.#place, line: 1 })
      return
    }
    if (torn !== undefined) this.#torn.push({ file: torn.file, line: torn.line })
    this.#pending = undefined
    this.#accept(line, suffix)
  }

  #accept(line: Buffer, { n, hash, prev }: Suffix): void {
    this.#last = { n, hash }
    this.#lines += 1
    const isCheckpoint = line.subarray(0, CHECKPOINT_BEGIN.length).equals(CHECKPOINT_BEGIN)
    if (isCheckpoint) this.#checkpoint(line, { n: n - 1, hash: prev })
    const kept = this.#kept.get(n)
    if (kept?.some((checkpoint) => checkpoint.hash !== hash) === true)
      this.#find('rewritten', `a checkpoint kept elsewhere tells of another line ${n} of the chain`)
  }

  #checkpoint(line: Buffer, before: Position): void {
    const checkpoint = readCheckpoint(line.toString())
    this.#checkpoints += 1
    if (checkpoint?.n !== before.n || checkpoint.hash !== before.hash)
      this.#find('rewritten', 'the checkpoint tells of another line than the one before it')
    else if (!this.#isSigned(checkpoint))
      this.#find('signature', 'the checkpoint is not signed with a key that was given')
    else this.#signedTo = checkpoint.n
  }

  #isSigned(checkpoint: Checkpoint): boolean {
    const key = this.#keys.get(checkpoint.key_id)
    return this.#keys.size === 0 || (key !== undefined && isSignedBy(checkpoint, key))
  }

  #end(): void {
    const torn = this.#pending
    if (torn?.isEnded === true) {
      this.#find('inserted', 'the line is none of the chain, or was one and was changed', torn)
      return
    }
    if (torn !== undefined) this.#torn.push({ file: torn.file, line: torn.line })
    const latest = Math.max(0, ...this.#kept.keys())
    if (this.#from === 0) this.#find('unchained', 'there is no line of a chain', { ...this.#place, line: 0 })
    else if (latest > this.#last.n)
      this.#find('cut', `the chain ends with line ${this.#last.n}; a checkpoint kept elsewhere tells of line ${latest}`)
    else if (this.#keys.size > 0 && this.#checkpoints === 0)
      this.#find('unsigned', 'there is no checkpoint', { ...this.#place, line: 0 })
  }

  #find(what: FindingKind, message: string, { file, line }: Place = this.#place): void {
    this.#finding ??= { what, file, line, message }
  }
}

function numbered(from: number, to: number): string {
  return from === to ? `line ${from}` : `lines ${from} to ${to}`
}

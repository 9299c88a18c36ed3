import { type BatchTokens, createBatchTokens } from './batch.ts'
import { type Context, dueOfSpan } from './context.ts'
import { codeOf } from './events.ts'
import { hashOf, randomName } from './names.ts'
import { Token, type TokenRecord, type TokenSpec } from './token.ts'

/** The tokens of a host. What they are for, and what they may do, is for others to say. */
export interface Tokens {
  /** Makes one; it is stored before it is handed out. */
  create(spec: TokenSpec): Promise<{ readonly token: Token; readonly value: string }>
  /** The live token of that value. */
  find(value: string): Token | undefined
  byHash(hash: string): Token | undefined
  byAccessor(accessor: string): Token | undefined
  accessors(): readonly string[]
  /** Stores what changed of it. */
  update(token: Token, change: Partial<TokenRecord>): Promise<void>
  /** Counts a use. @returns Was it the last? */
  use(token: Token): Promise<boolean>
  /** Its holder is known from now on to whom it was described. */
  describe(token: Token): void
  /** Ends it with its children. Their leases are ended by who listens to {@link onEnd}. */
  revoke(token: Token, why?: 'token-revoked' | 'token-expired'): Promise<void>
  /** Is told of each token that ended, once it can no more be used. */
  onEnd(listener: (token: Token) => Promise<void>): void
  ttlMs(token: Token): number
}

const FOLDER = 'core/token/'

/** Reads the tokens that are stored. Those that ended meanwhile are revoked as soon as the schedule runs. */
export async function openTokens(context: Context): Promise<Tokens> {
  const batch = await createBatchTokens(context)
  const tokens = new StoredTokens(context, batch)
  await tokens.load()
  return tokens
}

class StoredTokens implements Tokens {
  readonly #context: Context
  readonly #batch: BatchTokens
  readonly #byHash = new Map<string, Token>()
  readonly #byAccessor = new Map<string, Token>()
  /** Batch tokens whose holders were described, to their end; nothing else of them is kept. */
  readonly #described = new Map<string, Token>()
  readonly #listeners: ((token: Token) => Promise<void>)[] = []

  constructor(context: Context, batch: BatchTokens) {
    this.#context = context
    this.#batch = batch
  }

  async load(): Promise<void> {
    for (const [hash, record] of await this.#context.documents.all<TokenRecord>(FOLDER)) this.#keep(hash, record)
    for (const token of this.#byHash.values()) {
      const { parent, usesLeft } = token.record
      // The host was killed while its last use was served.
      if (usesLeft < 0) this.#watch(token, this.#context.clock.now())
      if (parent === '') continue
      const found = this.#byHash.get(parent)
      // Its parent was revoked, and the host ended before it came to the children.
      if (found === undefined) this.#watch(token, this.#context.clock.now())
      else found.children.add(token)
    }
  }

  async create(spec: TokenSpec): Promise<{ readonly token: Token; readonly value: string }> {
    const { random, documents } = this.#context
    const record = this.#recordOf(spec)
    if (record.type === 'batch') {
      const { value, dueMs } = this.#batch.seal(record)
      return { token: new Token(hashOf(value), record, dueMs), value }
    }
    const value = `s.${randomName(random, 24)}`
    const hash = hashOf(value)
    await documents.put(FOLDER + hash, record)
    const token = this.#keep(hash, record)
    const parent = this.#byHash.get(record.parent)
    parent?.children.add(token)
    // Its parent ended while it was written.
    if (record.parent !== '' && parent === undefined) await this.revoke(token)
    return { token, value }
  }

  find(value: string): Token | undefined {
    const hash = hashOf(value)
    if (!value.startsWith('b.')) return this.byHash(hash)
    const known = this.#described.get(hash)
    if (known !== undefined) return this.#lives(known) ? known : undefined
    const opened = this.#batch.open(value)
    if (opened === undefined) return undefined
    const token = new Token(hash, opened.record, opened.dueMs)
    return this.#lives(token) ? token : undefined
  }

  byHash(hash: string): Token | undefined {
    const token = this.#byHash.get(hash)
    return token === undefined || token.isDead || token.dueMs <= this.#context.clock.now() ? undefined : token
  }

  byAccessor(accessor: string): Token | undefined {
    const token = this.#byAccessor.get(accessor)
    return token === undefined ? undefined : this.byHash(token.hash)
  }

  accessors(): readonly string[] {
    return [...this.#byAccessor.keys()]
  }

  async update(token: Token, change: Partial<TokenRecord>): Promise<void> {
    await this.#context.documents.put(FOLDER + token.hash, { ...token.record, ...change })
    if (token.isDead) {
      await this.#context.documents.remove(FOLDER + token.hash)
      return
    }
    const { usesLeft } = token.record
    token.record = { ...token.record, ...change }
    if (change.expiresAtMs !== undefined) this.#watch(token, dueOfSpan(this.#context.clock, token.record))
    // Uses that were taken while it was written are in mind alone, or written over.
    if (usesLeft !== 0) await this.#context.documents.put(FOLDER + token.hash, token.record)
  }

  async use(token: Token): Promise<boolean> {
    const { usesLeft } = token.record
    if (usesLeft === 0) return false
    // Taken before it is written: two requests at once must not both have the last use.
    token.record = { ...token.record, usesLeft: usesLeft === 1 ? -1 : usesLeft - 1 }
    await this.#context.documents.put(FOLDER + token.hash, token.record)
    return usesLeft === 1
  }

  describe(token: Token): void {
    token.isDescribed = true
    if (token.record.type !== 'batch') return
    this.#described.set(token.hash, token)
    this.#context.schedule.at(token.dueMs, () => void this.#described.delete(token.hash))
  }

  async revoke(token: Token, why: 'token-revoked' | 'token-expired' = 'token-revoked'): Promise<void> {
    if (token.isDead) return
    token.isDead = true
    const { documents, tell } = this.#context
    try {
      await documents.remove(FOLDER + token.hash)
    } catch (error) {
      // It is not forgotten: what stands in the storage still would be alive after a restart.
      token.isDead = false
      throw error
    }
    this.#byHash.delete(token.hash)
    this.#byAccessor.delete(token.record.accessor)
    this.#byHash.get(token.record.parent)?.children.delete(token)
    tell(why, { path: token.record.path })
    const failures: unknown[] = []
    for (const listener of this.#listeners) await listener(token).catch((error) => failures.push(error))
    for (const child of [...token.children]) {
      await this.revoke(child, why).catch((error) => {
        failures.push(error)
        // It can be used no more, and is tried again.
        if (!child.isDead) this.#watch(child, this.#context.clock.now())
      })
    }
    if (failures.length > 0) throw failures[0]
  }

  onEnd(listener: (token: Token) => Promise<void>): void {
    this.#listeners.push(listener)
  }

  ttlMs(token: Token): number {
    return Math.max(0, token.dueMs - this.#context.clock.now())
  }

  /** Nothing of a batch token is stored that could be revoked, but it goes with its parent. */
  #lives({ record, dueMs, isDead }: Token): boolean {
    if (isDead || dueMs <= this.#context.clock.now()) return false
    return record.type === 'service' || record.parent === '' || this.byHash(record.parent) !== undefined
  }

  #recordOf({ ttlMs, ...spec }: TokenSpec): TokenRecord {
    const { clock, random } = this.#context
    const issuedAtMs = clock.wallTime()
    const type = spec.type ?? 'service'
    return {
      displayName: 'token',
      metadata: null,
      below: '',
      mountUuid: '',
      entityId: '',
      alias: '',
      parent: '',
      creationTtlMs: ttlMs,
      periodMs: 0,
      explicitMaxTtlMs: 0,
      maxTtlMs: 0,
      usesLeft: 0,
      renewedAtMs: null,
      auth: null,
      ...spec,
      type,
      accessor: type === 'batch' ? '' : randomName(random, 24),
      renewable: type === 'service' && ttlMs > 0 && (spec.renewable ?? true),
      issuedAtMs,
      expiresAtMs: ttlMs === 0 ? null : issuedAtMs + ttlMs,
    }
  }

  #keep(hash: string, record: TokenRecord): Token {
    const token = new Token(hash, record, Infinity)
    this.#byHash.set(hash, token)
    this.#byAccessor.set(record.accessor, token)
    this.#watch(token, dueOfSpan(this.#context.clock, record))
    return token
  }

  #watch(token: Token, dueMs: number): void {
    token.dueMs = dueMs
    if (dueMs === Infinity) return
    if (token.scheduled !== undefined) token.scheduled.reschedule(dueMs)
    else token.scheduled = this.#context.schedule.at(dueMs, () => void this.#expire(token))
  }

  /** Never rejects. What cannot be written now is tried again. */
  async #expire(token: Token): Promise<void> {
    if (token.isDead) return
    try {
      await this.revoke(token, 'token-expired')
    } catch (error) {
      this.#context.tell('work-failed', { path: token.record.path, code: codeOf(error) })
      token.scheduled?.reschedule(this.#context.clock.now() + EXPIRY_RETRY_MS)
    }
  }
}

/** Wait before the end of a token is tried again that could not be written. */
const EXPIRY_RETRY_MS = 10_000

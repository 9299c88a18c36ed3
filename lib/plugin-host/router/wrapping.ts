import { Buffer } from 'node:buffer'
import { PluginError, StorageError } from '../../errors/index.ts'
import type { BackendWrap } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import { type Context, dueOfSpan } from './context.ts'
import { secondsOf, timeText } from './duration.ts'
import { codeOf } from './events.ts'
import { hashOf, randomName } from './names.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What is known of a wrapped response. The response itself stays in the storage. */
interface WrapRecord {
  readonly accessor: string
  readonly ttlMs: number
  readonly createdAtMs: number
  readonly creationPath: string
  /** Of a login inside; empty for others. */
  readonly wrappedAccessor: string
  /** The mount whose plugin had it wrapped, and what it takes; absent for what callers have wrapped. */
  readonly owner?: string
  readonly bytes?: number
}

interface Kept {
  readonly record: WrapRecord
  readonly dueMs: number
}

const FACTS = 'core/wrap/'
const RESPONSES = 'core/wrapped/'
/** What plugins have wrapped lies outside of what their mounts may store: of one mount so many bytes at once. */
const MAX_OWNED_BYTES = 16 * 1024 * 1024
/** What each takes beside what is inside. */
const OVERHEAD_BYTES = 1024

/** Responses that wait for the one who trades the token in: once, within its time. */
export class Wrapping {
  readonly #context: Context
  readonly #kept = new Map<string, Kept>()
  readonly #ownedBytes = new Map<string, number>()

  constructor(context: Context) {
    this.#context = context
  }

  async load(): Promise<void> {
    for (const [hash, record] of await this.#context.documents.all<WrapRecord>(FACTS)) this.#keep(hash, record)
  }

  /** Stores `envelope` (JSON text as the wire has it). */
  wrap(envelope: string, ttlMs: number, creationPath: string, wrappedAccessor = ''): Promise<BackendWrap> {
    return this.#wrap(envelope, { ttlMs, creationPath, wrappedAccessor })
  }

  /**
   * Wraps `data` (JSON text) for the plugin of the mount `owner`.
   *
   * @throws {PluginError} `_PROTOCOL`: it is no JSON object. @throws {StorageError} `_QUOTA`: it has too much wrapped already.
   */
  async wrapFor(owner: string, data: string, ttlMs: number, creationPath: string): Promise<BackendWrap> {
    // Parsed before it becomes part of a text: else it could close its object, and go on with a lease or login of its own.
    if (parseObjectText(data) === undefined)
      throw new PluginError('ERR_PORTCULLIS_PLUGIN_PROTOCOL', 'what is to be wrapped is no JSON object')
    const envelope = `{"data":${data}}`
    const bytes = Buffer.byteLength(envelope) + OVERHEAD_BYTES
    const owned = this.#ownedBytes.get(owner) ?? 0
    if (owned + bytes > MAX_OWNED_BYTES)
      throw new StorageError('ERR_PORTCULLIS_STORAGE_QUOTA', `a mount has more than ${MAX_OWNED_BYTES} bytes wrapped`)
    return this.#wrap(envelope, { ttlMs, creationPath, wrappedAccessor: '', owner, bytes })
  }

  async #wrap(envelope: string, facts: Omit<WrapRecord, 'accessor' | 'createdAtMs'>): Promise<BackendWrap> {
    const { clock, random, store } = this.#context
    const { ttlMs, creationPath } = facts
    const token = `s.${randomName(random, 24)}`
    const hash = hashOf(token)
    const accessor = randomName(random, 24)
    const createdAtMs = clock.wallTime()
    const record: WrapRecord = { accessor, createdAtMs, ...facts }
    this.#own(record, 1)
    try {
      await store.write([
        { key: RESPONSES + hash, value: Buffer.from(envelope) },
        { key: FACTS + hash, value: Buffer.from(JSON.stringify(record)) },
      ])
    } finally {
      this.#own(record, -1)
    }
    this.#keep(hash, record)
    return { token, accessor, ttlMs, createdAtMs, creationPath }
  }

  /** Is there a response for that token? */
  holds(token: string): boolean {
    return this.#find(hashOf(token)) !== undefined
  }

  /** What may be told without opening it. @throws {Refusal} 400. */
  lookUp(token: string): JsonObject {
    const { creationPath, createdAtMs, ttlMs } = this.#found(hashOf(token)).record
    return { creation_path: creationPath, creation_time: timeText(createdAtMs), creation_ttl: secondsOf(ttlMs) }
  }

  /** The response, for the first who asks. @throws {Refusal} 400 for everyone else. */
  async unwrap(token: string): Promise<JsonObject> {
    const { envelope } = await this.#take(token)
    const object = parseObjectText(envelope)
    if (object === undefined) throw refuse(500, 'internal error')
    return object
  }

  /** The same response under a new token; the old one is used up. @throws {Refusal} 400. */
  async rewrap(token: string): Promise<BackendWrap> {
    const { record, envelope } = await this.#take(token)
    return this.wrap(envelope, record.ttlMs, record.creationPath, record.wrappedAccessor)
  }

  /** Taken out of mind first: of two who ask at once one gets it. */
  async #take(token: string): Promise<{ readonly record: WrapRecord; readonly envelope: string }> {
    const hash = hashOf(token)
    const kept = this.#found(hash)
    this.#forget(hash)
    try {
      const bytes = await this.#context.store.get(RESPONSES + hash)
      // Gone for good before it is told: what was told once must not be there after a crash.
      await this.#remove(hash)
      if (bytes === undefined) throw notValid()
      return { record: kept.record, envelope: Buffer.from(bytes).toString('utf8') }
    } catch (error) {
      if (codeOf(error) !== 'unknown') this.#remember(hash, kept)
      throw error
    }
  }

  #found(hash: string): Kept {
    const kept = this.#find(hash)
    if (kept === undefined) throw notValid()
    return kept
  }

  #find(hash: string): Kept | undefined {
    const kept = this.#kept.get(hash)
    return kept !== undefined && this.#context.clock.now() < kept.dueMs ? kept : undefined
  }

  #keep(hash: string, record: WrapRecord): void {
    const { clock, schedule } = this.#context
    const { createdAtMs: issuedAtMs, ttlMs } = record
    const dueMs = dueOfSpan(clock, { issuedAtMs, renewedAtMs: null, expiresAtMs: issuedAtMs + ttlMs })
    this.#remember(hash, { record, dueMs })
    schedule.at(dueMs, () => void this.#lapse(hash))
  }

  #remember(hash: string, kept: Kept): void {
    this.#kept.set(hash, kept)
    this.#own(kept.record, 1)
  }

  /** @returns whether it was there. */
  #forget(hash: string): boolean {
    const kept = this.#kept.get(hash)
    if (kept !== undefined) this.#own(kept.record, -1)
    return this.#kept.delete(hash)
  }

  #own({ owner, bytes = 0 }: WrapRecord, sign: 1 | -1): void {
    if (owner === undefined) return
    const owned = (this.#ownedBytes.get(owner) ?? 0) + sign * bytes
    if (owned > 0) this.#ownedBytes.set(owner, owned)
    else this.#ownedBytes.delete(owner)
  }

  /** Never rejects. What cannot be removed now is removed after the next start. */
  async #lapse(hash: string): Promise<void> {
    if (!this.#forget(hash)) return
    await this.#remove(hash).catch((error: unknown) =>
      this.#context.tell('work-failed', { path: 'sys/wrapping/', code: codeOf(error) }),
    )
  }

  async #remove(hash: string): Promise<void> {
    await this.#context.documents.remove(RESPONSES + hash, FACTS + hash)
  }
}

function notValid(): Refusal {
  return refuse(400, 'wrapping token is not valid or does not exist')
}

/** `wrap_info` as the wire has it. */
export function wrapInfoOf(wrap: BackendWrap, wrappedAccessor = ''): JsonObject {
  return {
    token: wrap.token,
    accessor: wrap.accessor,
    ttl: secondsOf(wrap.ttlMs),
    creation_time: timeText(wrap.createdAtMs),
    creation_path: wrap.creationPath,
    ...(wrappedAccessor === '' ? {} : { wrapped_accessor: wrappedAccessor }),
  }
}

import { Buffer } from 'node:buffer'
import type { BackendWrap } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import { type Context, dueOf } from './context.ts'
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
}

interface Kept {
  readonly record: WrapRecord
  readonly dueMs: number
}

const FACTS = 'core/wrap/'
const RESPONSES = 'core/wrapped/'

/** Responses that wait for the one who trades the token in: once, within its time. */
export class Wrapping {
  readonly #context: Context
  readonly #kept = new Map<string, Kept>()

  constructor(context: Context) {
    this.#context = context
  }

  async load(): Promise<void> {
    for (const [hash, record] of await this.#context.documents.all<WrapRecord>(FACTS)) this.#keep(hash, record)
  }

  /** Stores `envelope` (JSON text as the wire has it). */
  async wrap(envelope: string, ttlMs: number, creationPath: string, wrappedAccessor = ''): Promise<BackendWrap> {
    const { clock, random, store } = this.#context
    const token = `s.${randomName(random, 24)}`
    const hash = hashOf(token)
    const accessor = randomName(random, 24)
    const createdAtMs = clock.wallTime()
    const record: WrapRecord = { accessor, ttlMs, createdAtMs, creationPath, wrappedAccessor }
    await store.write([
      { key: RESPONSES + hash, value: Buffer.from(envelope) },
      { key: FACTS + hash, value: Buffer.from(JSON.stringify(record)) },
    ])
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
    this.#kept.delete(hash)
    try {
      const bytes = await this.#context.store.get(RESPONSES + hash)
      // Gone for good before it is told: what was told once must not be there after a crash.
      await this.#remove(hash)
      if (bytes === undefined) throw notValid()
      return { record: kept.record, envelope: Buffer.from(bytes).toString('utf8') }
    } catch (error) {
      if (codeOf(error) !== 'unknown') this.#kept.set(hash, kept)
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
    const dueMs = dueOf(clock, record.createdAtMs + record.ttlMs)
    this.#kept.set(hash, { record, dueMs })
    schedule.at(dueMs, () => void this.#lapse(hash))
  }

  /** Never rejects. What cannot be removed now is removed after the next start. */
  async #lapse(hash: string): Promise<void> {
    if (!this.#kept.delete(hash)) return
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

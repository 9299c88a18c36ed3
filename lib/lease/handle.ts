import { EventEmitter } from 'eventemitter3'
import { type CodeOf, LeaseError } from '../errors/index.ts'
import type { Answer } from '../model/answer.ts'
import type { Lease, LeaseEnd, LeaseEvents, RotationHandler } from '../model/lease.ts'
import { quietly } from '../model/quietly.ts'
import type { Keeper } from './keeper.ts'
import type { Kept } from './kept.ts'
import type { Holder, Line } from './line.ts'

export interface HandleDeps {
  readonly keeper: Keeper
  /** The answer that stands for `kept`, under the decision that let the holder have it. */
  readonly answerOf: (kept: Kept) => Answer
  /** May `kept` be used now? Where that is to be verified, a look-up has begun. */
  readonly isLive: (kept: Kept) => boolean
  readonly lookUp: (kept: Kept) => Promise<void>
  /** The end that a rule sets `kept` is another one. */
  readonly onBound: (kept: Kept) => void
  /** It is held no longer. */
  readonly onClosed: (handle: Holder) => void
}

/** What a rule can end earlier. */
export interface Bounded {
  /** From here on it is had for `maxTtlMs` after each issue at the most. */
  bound(maxTtlMs: number): void
}

/** A hold on `line`, as its holder sees it. */
export function createLease(line: Line, deps: HandleDeps): Lease & Holder & Bounded {
  const handle = new LeaseHandle(line, deps)
  deps.keeper.hold(line, handle)
  return handle
}

const ENDED: Readonly<Record<LeaseEnd, CodeOf<'LeaseError'>>> = {
  expired: 'ERR_PORTCULLIS_LEASE_EXPIRED',
  revoked: 'ERR_PORTCULLIS_LEASE_REVOKED',
  lost: 'ERR_PORTCULLIS_LEASE_LOST',
  released: 'ERR_PORTCULLIS_LEASE_RELEASED',
  leaked: 'ERR_PORTCULLIS_LEASE_RELEASED',
}

class LeaseHandle implements Lease, Holder, Bounded {
  readonly #line: Line
  readonly #deps: HandleDeps
  readonly #events = new EventEmitter<LeaseEvents>()
  readonly #handlers = new Set<RotationHandler>()
  /** Why there is no value; `undefined` while there is. */
  #end: LeaseEnd | undefined
  #turns: (() => void)[] = []
  /** What the policies in force allow; they may have been replaced. */
  #maxTtlMs = Infinity
  #closing: Promise<void> | undefined

  constructor(line: Line, deps: HandleDeps) {
    this.#line = line
    this.#deps = deps
  }

  get generation(): number {
    return this.#line.generation
  }

  current(): Answer {
    const { kept } = this.#line
    const end = this.#end ?? (this.#deps.isLive(kept) ? undefined : 'expired')
    if (end === undefined) return this.#deps.answerOf(kept)
    throw new LeaseError(ENDED[end], `the lease on ${kept.path} has ended (${end})`)
  }

  on<E extends keyof LeaseEvents>(event: E, listener: LeaseEvents[E]): this {
    this.#events.on(event, listener as never)
    return this
  }

  off<E extends keyof LeaseEvents>(event: E, listener: LeaseEvents[E]): this {
    this.#events.off(event, listener as never)
    return this
  }

  onRotate(handler: RotationHandler): () => void {
    this.#handlers.add(handler)
    return () => void this.#handlers.delete(handler)
  }

  async doubt(generation: number): Promise<void> {
    if (generation !== this.#line.generation) return
    const { kept } = this.#line
    await this.#deps.lookUp(kept)
    if (this.#line.kept !== kept || this.#end === undefined) return
    await new Promise<void>((resolve) => this.#turns.push(resolve))
  }

  bound(maxTtlMs: number): void {
    this.#maxTtlMs = maxTtlMs
    const { kept } = this.#line
    if (kept.bound(maxTtlMs)) this.#deps.onBound(kept)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async prepare(next: Kept): Promise<void> {
    const answer = this.#deps.answerOf(next)
    await Promise.all([...this.#handlers].map(async (handler) => handler.prepare?.(answer)))
  }

  abandon(next: Kept): void {
    const answer = this.#deps.answerOf(next)
    for (const handler of this.#handlers) quietly(() => handler.abandon?.(answer))
  }

  async commit(previous: Kept): Promise<void> {
    const answer = this.#deps.answerOf(previous)
    await Promise.allSettled([...this.#handlers].map(async (handler) => handler.commit?.(answer)))
  }

  renewed(ttlMs: number): void {
    this.#emit('renewed', { ttlMs })
  }

  rotated(): void {
    this.#end = undefined
    // By the rules of whoever had it minted first, who may have it longer.
    this.bound(this.#maxTtlMs)
    const { ttlMs } = this.#deps.answerOf(this.#line.kept)
    this.#emit('rotated', { generation: this.#line.generation, ttlMs })
    this.#turn()
  }

  failing(code: string, ttlMs: number): void {
    this.#emit('failing', { code, ttlMs })
    this.#turn()
  }

  ended(how: LeaseEnd): void {
    this.#end = how
    this.#emit('ended', { how })
  }

  async #close(): Promise<void> {
    this.#deps.onClosed(this)
    await this.#deps.keeper.letGo(this.#line, this)
    this.#end ??= 'released'
    this.#handlers.clear()
    this.#turn()
  }

  /** Those who doubted can try again. */
  #turn(): void {
    const turns = this.#turns
    this.#turns = []
    for (const turn of turns) turn()
  }

  #emit<E extends keyof LeaseEvents>(event: E, ...args: Parameters<LeaseEvents[E]>): void {
    for (const listener of this.#events.listeners(event)) {
      quietly(() => (listener as (...args: unknown[]) => unknown)(...args))
    }
  }
}

import type { PortcullisError } from '../errors/index.ts'
import type { Moment } from '../lease/kept.ts'
import { unseal } from '../model/sealed.ts'
import type { Login } from '../ports/auth-method.ts'
import type { Seen } from './look-up.ts'
import type { SessionState, SessionToken } from './session-token.ts'
import { nextTokenStep, type TokenStep, tokenGraceMs } from './token-plan.ts'

/** A call that has been put off. */
export interface Scheduled {
  cancel(): void
  reschedule(dueMs: number): void
}

/** Nearness of both clocks that is no sign of a suspend. */
const WALL_SLACK_MS = 1_000
/** An end that moves by less is rounding: the wire counts in whole seconds. */
const WIRE_STEP_MS = 1_000

/** The token of a session in use, and what is known of it. Mutable; owned by the session. */
export class LiveToken {
  readonly token: SessionToken
  /** Each request costs it a use; so would a renewal or a look-up, which are therefore left out. */
  readonly isLimited: boolean
  /** Was a look-up of it ever answered? */
  hasLookedUp: boolean
  /** Was it, or is one likely to be, by its policies? Then one that is refused in the end says that it is dead. */
  mayLookUp: boolean
  renewable: boolean
  verifiedAtMs: number
  /** When the last look-up ended, whatever it told. */
  lookedUpAtMs: number
  /** When the wall clock was last found to contradict the monotonic one, and that was looked into. */
  doubtedAtMs: number = -Infinity
  /** From here on the session looks for a newer token; moves when that fails. */
  replaceAtMs: number = Infinity
  /** The last wait after a failed renewal; 0 without one. */
  renewalBackoffMs = 0
  isRenewing = false
  /** Handed out since it was logged in, or, where callers' tokens are not kept alive, since its last renewal. */
  isUsed = false
  /** Its moment came while nobody had used it. */
  isAsleep = false
  /** It was refused, and may yet not be dead. */
  isSuspect = false
  timer: Scheduled | undefined
  /** A look-up of it that is under way. */
  seen: Promise<Seen> | undefined
  /** One that waits for its turn. */
  nextSeen: Promise<Seen> | undefined
  #ttlMs: number
  #wallEndsAtMs: number
  #usesLeft: number

  constructor(token: SessionToken, { grant, owned }: Login, sentAt: Moment) {
    this.token = token
    this.isLimited = grant.numUses !== 0
    // Of a handed token the policies are known by a look-up alone.
    const { policies } = grant
    // To be handed one is to look it up.
    this.lookedUpAtMs = owned ? -Infinity : sentAt.nowMs
    this.hasLookedUp = !owned && policies.length > 0
    this.mayLookUp = owned ? policies.some((name) => name === 'default' || name === 'root') : policies.length > 0
    this.renewable = grant.renewable && !this.isLimited
    this.verifiedAtMs = sentAt.nowMs
    this.#ttlMs = grant.ttlMs
    this.#wallEndsAtMs = sentAt.wallMs + grant.ttlMs
    // The last use is kept back: with it the server would end the token and all it minted.
    this.#usesLeft = !owned || grant.numUses === 0 ? Infinity : Math.max(grant.numUses - 1, 1)
  }

  get endsAtMs(): number {
    return this.token.fate.endsAtMs
  }

  /** May a request go out with it? */
  isServable(nowMs: number): boolean {
    return !this.token.fate.isDead && nowMs < this.endsAtMs && this.#usesLeft > 0
  }

  /** Counts a request that goes out with it. */
  use(): void {
    this.isUsed = true
    this.#usesLeft -= 1
  }

  /** Does the wall clock say that it has ended? The monotonic one stands still while the machine sleeps. */
  isDoubted({ nowMs, wallMs }: Moment): boolean {
    return !this.isLimited && wallMs >= this.#wallEndsAtMs + WALL_SLACK_MS && nowMs - this.doubtedAtMs >= WALL_SLACK_MS
  }

  /** Takes over what the server says is left. @returns Did its end move ahead? */
  granted(ttlMs: number, sentAt: Moment): boolean {
    const beforeMs = this.endsAtMs
    this.token.fate.endsAtMs = sentAt.nowMs + ttlMs
    this.#wallEndsAtMs = sentAt.wallMs + ttlMs
    this.#ttlMs = Math.max(this.#ttlMs === Infinity ? 0 : this.#ttlMs, ttlMs)
    return this.isAhead(beforeMs)
  }

  /** Has the end moved ahead of `beforeMs`, by more than rounding? */
  isAhead(beforeMs: number): boolean {
    return this.endsAtMs >= beforeMs + WIRE_STEP_MS
  }

  holds(token: SessionToken['token']): boolean {
    return unseal(this.token.token) === unseal(token)
  }

  /** What comes next; where that is a renewal, {@link replaceAtMs} still says where the grace begins. */
  plan(nowMs: number, jitter: number): TokenStep {
    const { endsAtMs, renewable } = this
    const step = nextTokenStep({ endsAtMs, ttlMs: this.#ttlMs, renewable }, nowMs, jitter)
    const graceMs = Math.min(tokenGraceMs(this.#ttlMs), Math.max(endsAtMs - nowMs, 0) / 2)
    this.replaceAtMs = step.kind === 'renew' ? endsAtMs - graceMs : step.atMs
    return step
  }
}

/** The token that `login` gave, as the session hands it out. @param sentAtMs - when the login was sent: its life counts from there. */
export function tokenOf(
  { grant, owned }: Login,
  generation: number,
  sentAtMs: number,
  hash: (text: string) => string,
): SessionToken {
  const accessor = unseal(grant.accessor)
  const hashes = { client_token: hash(unseal(grant.token)), ...(accessor === '' ? {} : { accessor: hash(accessor) }) }
  const fate = { isDead: false, endsAtMs: sentAtMs + grant.ttlMs }
  return Object.freeze({ token: grant.token, generation, owned, fate, audit: Object.freeze(hashes) })
}

/** What a session is doing. */
export type State =
  | { readonly at: 'none' }
  | { readonly at: 'live'; readonly live: LiveToken }
  | { readonly at: 'failed'; readonly error: PortcullisError; readonly retryAtMs: number }
  | { readonly at: 'closed' }

/** What `state` is to others. */
export function stateOf(state: State, generation: number, nowMs: number): SessionState {
  if (state.at === 'live') return { state: 'live', generation, ttlMs: Math.max(state.live.endsAtMs - nowMs, 0) }
  return { state: state.at === 'none' ? 'none' : 'ended', generation, ttlMs: 0 }
}

import type { ReadAfterWrite } from '../options/server.ts'

/** Remembers how far the server's storage was after our writes, so that no later read misses them. */
export interface Consistency {
  /** Headers for the next request, names and values in turn; empty where nothing is known. */
  headers(): readonly string[]
  /** Takes the `X-Vault-Index` of an answer to a write. */
  remember(index: string | readonly string[] | undefined): void
}

interface State {
  readonly text: string
  /** Cluster and positions, where the index could be read. */
  readonly cluster: string
  readonly local: number
  readonly replicated: number
}

/** More states than this that none of the others covers are not kept: the oldest goes. */
const MAX_STATES = 4
const INDEX = /^[\w+/=.:-]{1,1024}$/
const NOTHING: readonly string[] = Object.freeze([])

/** A {@link Consistency} for one server. */
export function createConsistency(mode: ReadAfterWrite): Consistency {
  let states: readonly State[] = []
  let headers = NOTHING
  return {
    headers: () => headers,
    remember(index) {
      if (mode === 'off' || index === undefined) return
      for (const text of typeof index === 'string' ? [index] : index) states = newest(states, text)
      headers = headersOf(states, mode)
    },
  }
}

function headersOf(states: readonly State[], mode: ReadAfterWrite): readonly string[] {
  if (states.length === 0) return NOTHING
  const headers = states.flatMap(({ text }) => ['x-vault-index', text])
  if (mode === 'forward') headers.push('x-vault-inconsistent', 'forward-active-node')
  return Object.freeze(headers)
}

/** `states` with `text` added, without those that it covers. Answers can come out of order, so it may itself be covered. */
function newest(states: readonly State[], text: string): readonly State[] {
  if (!INDEX.test(text)) return states
  const state = parseState(text)
  if (states.some((known) => covers(known, state))) return states
  return [...states.filter((known) => !covers(state, known)), state].slice(-MAX_STATES)
}

function covers(a: State, b: State): boolean {
  return a.cluster === b.cluster && a.local >= b.local && a.replicated >= b.replicated
}

/** An index is base64 of `v1:cluster:local:replicated:mac`. One that reads otherwise counts as newer than any of its kind. */
function parseState(text: string): State {
  const [version, cluster = '', local, replicated] = atobSafe(text).split(':')
  const positions = [Number(local), Number(replicated)] as const
  if (version !== 'v1' || !positions.every(Number.isSafeInteger)) return unread(text)
  return { text, cluster: `v1:${cluster}`, local: positions[0], replicated: positions[1] }
}

let unreadCount = 0

function unread(text: string): State {
  unreadCount += 1
  return { text, cluster: '', local: unreadCount, replicated: unreadCount }
}

function atobSafe(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1')
}

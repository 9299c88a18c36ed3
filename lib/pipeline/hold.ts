import { LeaseError } from '../errors/index.ts'
import type { Kept } from '../lease/kept.ts'
import type { Line } from '../lease/line.ts'
import type { Answer } from '../model/answer.ts'
import type { Call } from './call.ts'
import { isChange } from './denial.ts'
import type { Entries } from './entries.ts'
import { subjectOf } from './serve-alone.ts'

/** Where what is to be held comes from. */
export interface HoldSource {
  serve(call: Call): Promise<Answer>
  /** What the answer to a call that holds was made from; `undefined` for what does not end. */
  keptOf(answer: Answer): Kept | undefined
  /** The line that keeps `kept`, or what took its place, alive; `undefined` when that has ended already. */
  line(call: Call, kept: Kept): Line | undefined
}

export interface HoldDeps {
  readonly source: HoldSource
  readonly entries: Entries
}

/** Values that end while they are on the way to their holder, one after the other, before that is given up. */
const TRIES = 5

/**
 * Serves `call`, and gives the line of what it got to `take`.
 *
 * A value can end, and its last holder can let it go, in the moment between: then it is served anew.
 *
 * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_NONE`
 */
export async function hold({ source, entries }: HoldDeps, call: Call, take: (line: Line) => void): Promise<Answer> {
  const { operation, path } = call.request
  if (call.identity.id !== '') {
    const why = "only what the gateway's own token gets can be held, not what a caller's gets"
    const error = noneHeld(`${operation} ${path} was not sent: ${why}`)
    throw await entries.failure(subjectOf(call), 'request', error)
  }
  const held = { ...call, isHeld: true }
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await source.serve(held).catch((error: unknown) => {
      if (!endedOnItsWay(error) || tries === TRIES - 1) throw error
    })
    if (answer === undefined) continue
    const kept = source.keptOf(answer)
    if (kept === undefined) break
    const line = source.line(held, kept)
    if (line === undefined) continue
    take(line)
    return answer
  }
  const did = isChange(call.request) ? '; the server did carry the request out, and a token it gave is revoked' : ''
  throw noneHeld(`${operation} ${path} gave nothing that ends, so there is nothing to hold${did}`)
}

function endedOnItsWay(error: unknown): boolean {
  return error instanceof LeaseError && error.code === 'ERR_PORTCULLIS_LEASE_EXPIRED'
}

function noneHeld(message: string): LeaseError {
  return new LeaseError('ERR_PORTCULLIS_LEASE_NONE', message)
}

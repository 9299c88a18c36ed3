import { isDeepStrictEqual } from 'node:util'
import type { Peer, PeerAnswer } from './peer.ts'
import type { Step } from './script.ts'

/** A place where two peers may differ, and why. */
export interface Difference {
  readonly reason: string
  /** Is this step's difference of this kind? It must hold all that is known of both sides. */
  readonly holds: (step: Step, server: PeerAnswer, other: PeerAnswer) => boolean
}

/** What came out of a comparison. */
export interface Comparison {
  /** Requests that were sent. */
  readonly sent: number
  /** Answers that were equal. */
  readonly equal: number
  /** How often each listed difference showed, by reason. */
  readonly listed: Readonly<Record<string, number>>
  /** Answers that differ for no listed reason. */
  readonly unlisted: readonly string[]
}

/** Sends `steps` to both, in order, and compares each answer; only times are taken out. */
export async function compare(
  steps: readonly Step[],
  [server, other]: readonly [Peer, Peer],
  differences: readonly Difference[],
): Promise<Comparison> {
  const listed = Object.fromEntries(differences.map(({ reason }) => [reason, 0]))
  const unlisted: string[] = []
  let equal = 0
  for (const step of steps) {
    if (step.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, step.waitMs))
    const [a, b] = [withoutTimes(await server.send(step)), withoutTimes(await other.send(step))]
    const known = differences.find(({ holds }) => holds(step, a, b))
    if (isDeepStrictEqual(a, b)) equal += 1
    else if (known === undefined) unlisted.push(`${step.text}\n  ${JSON.stringify(a)}\n  ${JSON.stringify(b)}`)
    else listed[known.reason] = (listed[known.reason] ?? 0) + 1
  }
  return { sent: steps.length, equal, listed, unlisted }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

function withoutTimes(answer: PeerAnswer): PeerAnswer {
  return JSON.parse(JSON.stringify(answer), (_, value) =>
    typeof value === 'string' && TIME.test(value) ? '<time>' : value,
  )
}

import type { JsonValue } from '../../../../lib/model/json.ts'
import { normalForm } from './normal-form.ts'
import type { Step } from './requests.ts'

/** What a peer answered. */
export interface PeerAnswer {
  readonly status: number
  readonly data: JsonValue | undefined
  readonly errors: JsonValue | undefined
  readonly warnings: JsonValue | undefined
}

/** Sends one request to a transit engine. */
export type Peer = (method: string, path: string, body: object | undefined) => Promise<PeerAnswer>

/** One step, and its answer in normal form. */
export interface Played {
  readonly step: Step
  readonly answer: PeerAnswer
}

/** Plays `steps` to `peer`, in order. What a step keeps is put where later ones name it: each peer gets its own back. */
export async function play(peer: Peer, steps: readonly Step[]): Promise<readonly Played[]> {
  const kept: Record<string, string> = {}
  const fill = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => kept[name] ?? whole)
  const played: Played[] = []
  for (const step of steps) {
    const body = step.body === undefined ? undefined : (JSON.parse(fill(JSON.stringify(step.body))) as object)
    const answer = await peer(step.method, fill(step.path), body)
    for (const [name, at] of Object.entries(step.keep ?? {})) {
      const value = at.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], answer.data)
      if (typeof value === 'string') kept[name] = value
    }
    played.push({ step, answer: { ...answer, data: normalForm(answer.data, step.path) } })
  }
  return played
}

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { answerDifferences, type Difference, normalised } from './difference.ts'
import type { Peer, WireAnswer, WireRequest } from './peer.ts'

/** One request of a script. `{name}` in its path, body, token stands for what was kept under that name. */
export interface Step extends WireRequest {
  /** What of the answer is kept for later steps: name, and where it stands (`body.lease_id`). */
  readonly keep?: Readonly<Record<string, string>>
  /** Runs before the request goes to either. */
  readonly before?: () => Promise<void> | void
  /** Repeated until the status is this one, at most 10 s: for what is done a moment after it is answered. */
  readonly until?: number
  /** The one place that is held against the other, where the rest is each peer's own; with the reason. */
  readonly part?: { readonly because: string; readonly at: readonly string[] }
  /** Places where the two differ, exactly; with the reason. */
  readonly differs?: { readonly because: string; readonly in: readonly Difference[] }
}

/** What differs wherever it stands, of a server (OpenBao 2.7.2) and a host. */
const EVERYWHERE: readonly {
  readonly because: string
  readonly is: readonly [at: RegExp, server: unknown, host: unknown]
}[] = [
  {
    because: 'plugins are told the version of the server that they were made for, and put it into their OpenAPI',
    is: [/^body\.openapi\.info\.version$/, '2.7.2', '1.21.4'],
  },
  {
    because: 'plugins are told the name of who asks: of the root token there, of the operator here',
    is: [/\.actor$/, 'token', 'operator'],
  },
]

/** A peer with what belongs to it alone: addresses, tokens, ids. */
export interface Side {
  readonly peer: Peer
  readonly kept: Map<string, string>
}

export function sideOf(peer: Peer, kept: Readonly<Record<string, string>> = {}): Side {
  return { peer, kept: new Map(Object.entries(kept)) }
}

/** The whole answers of a server and of a host, where their statuses differ. */
export function differs(because: string, server: object, host: object): Pick<Step, 'differs'> {
  return { differs: { because, in: [['', server, host]] } }
}

/** Shorthand of a step. */
export function ask(method: string, path: string, body?: unknown, more: Omit<Step, 'method' | 'path'> = {}): Step {
  return { method, path, ...(body === undefined ? {} : { body }), ...more }
}

/**
 * Sends each step to both, at once, and holds their answers against each other.
 *
 * Where they differ in any place that the step does not name, or agree in one that it does, the script fails: with all
 * that differs, since one difference seldom comes alone.
 *
 * @returns how many requests each was sent.
 */
export async function runScript(t: TestContext, sides: readonly [Side, Side], steps: readonly Step[]): Promise<number> {
  const found: string[] = []
  for (const [at, step] of steps.entries()) {
    await step.before?.()
    const [first, second] = await Promise.all([sendStep(sides[0], step), sendStep(sides[1], step)])
    const got = answerDifferences(partOf(step, first), partOf(step, second)).filter(
      ([place, ...both]) =>
        !EVERYWHERE.some(({ is: [at, ...told] }) => at.test(place) && isDeepStrictEqual(told, both)),
    )
    const expected = step.differs?.in ?? []
    try {
      assert.deepEqual(got, expected)
    } catch {
      found.push(
        `${at}: ${step.method} ${step.path} ${JSON.stringify(step.body) ?? ''}${got.map(shown).join('')}${expected.length > 0 ? '\n   (others were expected)' : ''}`,
      )
    }
  }
  assert.equal(found.length, 0, `${found.length} of ${steps.length} answers differ:\n${found.join('\n')}`)
  t.diagnostic(`${steps.length} requests`)
  return steps.length
}

function partOf({ part }: Step, answer: WireAnswer): WireAnswer {
  if (part === undefined) return answer
  let body: unknown = answer.body
  for (const name of part.at) body = (body as Readonly<Record<string, unknown>> | undefined)?.[name]
  return { status: answer.status, body }
}

function shown([at, first, second]: Difference): string {
  return `\n   ${at}: ${JSON.stringify(first)} | ${JSON.stringify(second)}`
}

async function sendStep({ peer, kept }: Side, step: Step): Promise<WireAnswer> {
  const request = filled(step, kept)
  let answer = await peer.send(request)
  for (let tries = 0; step.until !== undefined && answer.status !== step.until && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    answer = await peer.send(request)
  }
  for (const [name, place] of Object.entries(step.keep ?? {})) kept.set(name, textAt(answer, place))
  const named = normalised(
    answer,
    new Map([...kept].filter(([, value]) => value !== '').map(([name, value]) => [value, `{${name}}`])),
  )
  return named as WireAnswer
}

function filled({ method, path, body, token, wrapTtl }: Step, kept: ReadonlyMap<string, string>): WireRequest {
  const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => kept.get(name) ?? whole)
  return {
    method,
    path: fill(path),
    ...(body === undefined ? {} : { body: JSON.parse(fillJson(JSON.stringify(body), kept)) }),
    ...(token === undefined ? {} : { token: fill(token) }),
    ...(wrapTtl === undefined ? {} : { wrapTtl }),
  }
}

function fillJson(text: string, kept: ReadonlyMap<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = kept.get(name)
    return value === undefined ? whole : JSON.stringify(value).slice(1, -1)
  })
}

function textAt(answer: WireAnswer, place: string): string {
  let value: unknown = answer
  for (const part of place.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[part]
  return value === undefined || value === null ? '' : String(value)
}

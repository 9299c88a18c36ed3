import type { JsonObject } from '../model/json.ts'
import type { CodeOf } from './errors.ts'
import { type NotServing, notServing } from './phrases.ts'

/** Answers about the state of the node itself, for everyone. */
const STATE_PATHS: ReadonlySet<string> = new Set(['sys/health', 'sys/seal-status', 'sys/leader'])

/** Does `path` ask for the state of the node? A repeat would hide the answer. */
export function isState(path: string): boolean {
  return STATE_PATHS.has(path)
}

/** The code for a status that is no success, and whether the request may have been carried out all the same. */
export interface Verdict {
  readonly code: CodeOf<'ServerError'>
  readonly mayHaveHappened: boolean
}

const FOR_4XX: Readonly<Record<number, CodeOf<'ServerError'>>> = {
  403: 'ERR_PORTCULLIS_SERVER_FORBIDDEN',
  404: 'ERR_PORTCULLIS_SERVER_NOT_FOUND',
  412: 'ERR_PORTCULLIS_SERVER_STALE',
  429: 'ERR_PORTCULLIS_SERVER_RATE_LIMITED',
  // Standbys of Enterprise clusters: disaster recovery, performance.
  472: 'ERR_PORTCULLIS_SERVER_STANDBY',
  473: 'ERR_PORTCULLIS_SERVER_STANDBY',
}

/**
 * What a `status` outside 2xx means, by the words and fields that came with it.
 *
 * @param path - Of the request; `sys/health` answers about the node by fields of its body.
 * @param body - The JSON body, where there was one.
 * @param errors - Its `errors`.
 */
export function verdictOf(
  path: string,
  status: number,
  body: JsonObject | undefined,
  errors: readonly string[],
): Verdict {
  const why = isState(path) ? healthOf(body) : status >= 500 ? notServing(errors) : undefined
  if (why !== undefined) {
    return {
      code: why === 'sealed' ? 'ERR_PORTCULLIS_SERVER_SEALED' : 'ERR_PORTCULLIS_SERVER_STANDBY',
      mayHaveHappened: false,
    }
  }
  if (status >= 500) return { code: 'ERR_PORTCULLIS_SERVER_FAILED', mayHaveHappened: status !== 501 }
  if (status >= 400) return { code: FOR_4XX[status] ?? 'ERR_PORTCULLIS_SERVER_BAD_REQUEST', mayHaveHappened: false }
  return { code: 'ERR_PORTCULLIS_SERVER_BAD_ANSWER', mayHaveHappened: false }
}

function healthOf(body: JsonObject | undefined): NotServing | undefined {
  if (body === undefined || typeof body.sealed !== 'boolean') return undefined
  if (body.sealed) return 'sealed'
  return body.standby === true ? 'standby' : undefined
}

import type { JsonObject } from '../../../lib/model/json.ts'
import type { Operation } from '../../../lib/model/operation.ts'
import type { PeerRequest } from './peer.ts'

/** A request of a script, and how long to wait before it. */
export interface Step extends PeerRequest {
  /** The request as it stands in the script: for messages, and for tables of differences. */
  readonly text: string
  readonly waitMs: number
}

/**
 * Reads a script: one request a line, `operation path[?query] [json]`, below the mount; `wait ms` before the next; `#` remarks.
 *
 * Paths and queries are percent-encoded, as in a URL.
 */
export function stepsOf(mount: string, script: string): readonly Step[] {
  const steps: Step[] = []
  let waitMs = 0
  for (const line of script.split('\n').map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [, operation = '', target = '', json = ''] = /^(\S+)(?: +(?!\{)(\S+))?(?: +(\{.*))?$/.exec(line) ?? []
    if (operation === 'wait') waitMs = Number(target)
    else {
      steps.push(step(mount, operation as Operation, target === '.' ? '' : target, json, waitMs))
      waitMs = 0
    }
  }
  return steps
}

/** One request; `target` as in {@link stepsOf}. */
export function step(mount: string, operation: Operation, target: string, json = '', waitMs = 0): Step {
  const [path = '', query = ''] = target.split('?')
  const body: JsonObject | undefined = json === '' ? undefined : JSON.parse(json)
  return {
    text: `${operation} ${mount}${target === '' || target.startsWith('?') ? '' : '/'}${target} ${json}`.trim(),
    operation,
    path: path === '' ? mount : `${mount}/${path === '/' ? '' : decodeURIComponent(path)}`,
    query: Object.fromEntries(new URLSearchParams(query)),
    body,
    waitMs,
  }
}

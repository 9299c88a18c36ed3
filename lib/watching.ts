import { createGovernor } from './lease/governor.ts'
import { SealedAnswer } from './model/answer.ts'
import type { Watch } from './model/watch.ts'
import type { WatchConfig } from './options/watch.ts'
import type { Call } from './pipeline/call.ts'
import { checkKvData, kvVersionOf } from './pipeline/kv-data.ts'
import type { Mounts } from './pipeline/mounts.ts'
import type { Pipeline, Who } from './pipeline/pipeline.ts'
import type { ServeShared, Verified } from './pipeline/serve-shared.ts'
import type { Clock } from './ports/clock.ts'
import type { Random } from './ports/random.ts'
import type { Schedule } from './ports/schedule.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Seen } from './watch/state.ts'
import type { Look } from './watch/view.ts'
import { createWatches } from './watch/watches.ts'

/** Looks of all watches a second: after a freeze everything is due together. */
const LOOKS_PER_SECOND = 100

interface WatchingParts {
  readonly clock: Clock
  readonly random: Random
  readonly schedule: Schedule
  readonly telemetry: Telemetry
  readonly mounts: Mounts
  readonly pipeline: Pipeline
  readonly verify: ServeShared['verify']
}

/** Watches whose looks are calls of their callers. */
export interface Watching {
  open(who: Who, path: string, config: WatchConfig): Promise<Watch>
  close(): void
}

/** Ties the watches to the pipeline: each look takes the way of a read. */
export function createWatching(parts: WatchingParts): Watching {
  const { clock, random, schedule, telemetry } = parts
  const governor = createGovernor({ perSecond: LOOKS_PER_SECOND, burst: LOOKS_PER_SECOND })
  const onOutcome = (outcome: string): void =>
    telemetry.count('portcullis.watch.looks', { 'portcullis.outcome': outcome })
  const watches = createWatches({ clock, random, schedule, governor, onOutcome })
  return {
    open(who, path, { everyMs, namespace, signal }): Promise<Watch> {
      const source = JSON.stringify([namespace ?? null, path, who.identity.id])
      const look = createLook(parts, who, path, namespace)
      return watches.open({ source, viewer: who.caller.id, path, look, everyMs, signal })
    },
    close: () => watches.close(),
  }
}

/** A read of its own, for the caller of the watch. What serves the path is asked once; from then on the answers show it. */
function createLook({ mounts, pipeline, verify }: WatchingParts, who: Who, path: string, namespace?: string): Look {
  let isChecked = false
  return async (isBackground) => {
    let seen: Seen | undefined
    const serve = async (call: Call): Promise<Verified['answer']> => {
      const verified = await verify(call)
      isChecked = true
      seen = seenOf(call, verified)
      return verified.answer
    }
    const check = isChecked ? undefined : (request: Call['request']): Promise<void> => checkKvData(mounts, request)
    await pipeline.run(who, { operation: 'read', path, namespace }, {}, { check, serve, isBackground })
    return seen as unknown as Seen
  }
}

function seenOf({ request, verdict }: Call, { server, sentAt }: Verified): Seen {
  const answer: Seen['answer'] = (facts) => new SealedAnswer(server, facts, verdict.decision)
  return { ...kvVersionOf(server, request.path), sentAt, answer }
}

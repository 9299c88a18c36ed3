import { UnavailableError } from '../../examples/support/unavailable.ts'
import { nextMessage, startChild } from './child.ts'
import { type Outcome, outcomeOf, type Round, type Skipped } from './outcome.ts'
import type { RoundLimits, Row, Sample, Settings } from './row.ts'
import { Scope } from './scope.ts'
import type { WorkerTask } from './worker-main.ts'

/** A row and the module it stands in. */
export interface FoundRow extends Row {
  readonly module: string
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  readonly roundMs: number
  /** Before the first round, for each side; not counted. */
  readonly warmUpMs: number
  /** Must the whole bench end within three minutes? */
  readonly isQuick: boolean
}

/** Measures one row: its sides take turns, round by round. All it starts ends before it resolves, or with `parent`. */
export async function contest(row: FoundRow, effort: Effort, parent: Scope): Promise<Outcome | Skipped> {
  const scope = new Scope()
  parent.add(() => scope.close())
  try {
    const settings = (await row.prepare?.(scope, effort.isQuick)) ?? {}
    const ours = await startWorker(scope, row, 'ours', settings)
    const peer = row.peer === undefined ? undefined : await startWorker(scope, row, 'peer', settings)
    const round = async (forMs: number): Promise<Round> => ({
      ours: await ours.round({ forMs }),
      peer: await peer?.round({ forMs }),
    })
    await round(effort.warmUpMs)
    const rounds: Round[] = []
    while (rounds.length < effort.rounds) rounds.push(await round(effort.roundMs))
    await ours.close()
    await peer?.close()
    return outcomeOf(row, rounds)
  } catch (error) {
    if (error instanceof UnavailableError) return { row, skipped: error.message }
    throw error
  } finally {
    await scope.close()
  }
}

interface Worker {
  round(limits: RoundLimits): Promise<Sample>
  close(): Promise<void>
}

async function startWorker(scope: Scope, row: FoundRow, side: WorkerTask['side'], settings: Settings): Promise<Worker> {
  const task: WorkerTask = { module: row.module, row: row.name, side, settings }
  const { process: child } = await startChild(scope, './worker-main.ts', [JSON.stringify(task)])
  const ask = async (message: RoundLimits | 'close'): Promise<Sample> => {
    child.send(message)
    const answer = (await nextMessage(child)) as { readonly sample?: Sample; readonly error?: string }
    if (answer.error !== undefined) throw new Error(`${row.name}, ${side}: ${answer.error}`)
    return answer.sample as Sample
  }
  return {
    round: ask,
    async close(): Promise<void> {
      await ask('close')
    },
  }
}

import type { Scheduled } from '../../ports/schedule.ts'
import type { Context } from './context.ts'
import type { Mount } from './mount.ts'
import type { MountTable } from './mount-table.ts'

/** How often each mount gets to do its housekeeping. */
export const ROLLBACK_INTERVAL_MS = 60_000
/** How far apart those of several mounts are spread, both ways. */
const JITTER = 0.1

/** Gives every mount its turn, once a minute: tidying, rotation queues and write-ahead logs of plugins hang on it. */
export interface Periodic {
  start(): void
  /** Starts no more. */
  stop(): void
}

export interface PeriodicDeps {
  readonly context: Context
  readonly table: MountTable
  /** One in flight for each mount; never rejects. */
  rollback(mount: Mount): Promise<void>
}

/** One timer for all mounts: it looks who is due. */
export function createPeriodic({ context, table, rollback }: PeriodicDeps): Periodic {
  const dueMs = new WeakMap<Mount, number>()
  let scheduled: Scheduled | undefined
  const next = (): number =>
    context.clock.now() + ROLLBACK_INTERVAL_MS * (1 + JITTER * (2 * context.random.fraction() - 1))
  const look = (): void => {
    const nowMs = context.clock.now()
    let firstMs = nowMs + ROLLBACK_INTERVAL_MS
    for (const mount of table.all()) {
      const due = dueMs.get(mount) ?? next()
      const isDue = due <= nowMs
      if (isDue && !mount.record.tainted) void rollback(mount)
      const upcoming = isDue ? next() : due
      dueMs.set(mount, upcoming)
      firstMs = Math.min(firstMs, upcoming)
    }
    scheduled?.reschedule(firstMs)
  }
  return {
    start(): void {
      scheduled ??= context.schedule.at(context.clock.now(), look)
    },
    stop(): void {
      scheduled?.cancel()
      scheduled = undefined
    },
  }
}

import { HealthService } from '../wire/gen/services.ts'
import type { Channel } from '../wire/grpc/channel.ts'
import { GRPC_STATUS, GrpcStatusError } from '../wire/grpc/status.ts'

/** How long a process may take to say that it is well. Long: a machine can be busy. Milliseconds. */
export const HEALTH_MS = 10_000

/**
 * Does a process still answer at all? Any answer will do, a refusal too: whether a plugin is well is for its calls to show.
 *
 * @returns `false` when nothing came in time. Never rejects.
 */
export async function answers(channel: Channel, timeoutMs: number = HEALTH_MS): Promise<boolean> {
  try {
    await channel.unary(HealthService.check, { service: 'plugin' }, { timeoutMs })
    return true
  } catch (error) {
    return !(error instanceof GrpcStatusError && error.code === GRPC_STATUS.deadlineExceeded)
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { familyOf } from '../../lib/plugin-host/process/process-table.ts'

/** What a process has used, from `/proc`. */
export interface Usage {
  /** Of the process alone, from its start; whole ticks of 10 ms. */
  readonly cpuUs: number
  readonly rssMb: number
  /** Most that it ever was. */
  readonly peakMb: number
}

const TICK_US = 10_000
const NONE: Usage = { cpuUs: 0, rssMb: 0, peakMb: 0 }

/** Of `pids` together; those that are gone count nothing. */
export function usageOf(pids: readonly number[]): Usage {
  return pids.map(usageOfOne).reduce(
    (sum, one) => ({
      cpuUs: sum.cpuUs + one.cpuUs,
      rssMb: sum.rssMb + one.rssMb,
      peakMb: sum.peakMb + one.peakMb,
    }),
    NONE,
  )
}

function usageOfOne(pid: number): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return {
      cpuUs: (Number(fields[11]) + Number(fields[12])) * TICK_US,
      rssMb: megabytes(status, 'VmRSS'),
      peakMb: megabytes(status, 'VmHWM'),
    }
  } catch {
    return NONE
  }
}

function megabytes(status: string, name: string): number {
  return (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6
}

/** All that descends from `pid`, itself left out. */
export function descendantsOf(pid: number): readonly number[] {
  return familyOf(pid).slice(1)
}

/** The process that was started with `argument`, of those that run it itself and not another that does. */
export function processWithArgument(argument: string): number | undefined {
  return readdirSync('/proc')
    .map(Number)
    .findLast((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument)
      } catch {
        return false
      }
    })
}

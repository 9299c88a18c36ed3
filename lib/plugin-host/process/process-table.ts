import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'

/** A process, told apart from a later one of the same number by its start. */
export interface ProcessId {
  readonly pid: number
  /** Clock ticks from the start of the machine to that of the process. */
  readonly startTicks: string
}

/** Place of the start time in `/proc/PID/stat`, counted after the name, which can hold anything. */
const START_FIELD = 19
/** Most processes of one plugin that are followed. */
const MAX_FAMILY = 4096

/** The process of that number as it is now; `undefined` where there is none, or no `/proc`. */
export function processOf(pid: number): ProcessId | undefined {
  const startTicks = statOf(pid)?.[START_FIELD]
  return startTicks === undefined ? undefined : { pid, startTicks }
}

/** Is it still that very process? A zombie counts, since its number is not free yet. */
export function isAlive(id: ProcessId): boolean {
  return processOf(id.pid)?.startTicks === id.startTicks
}

/** Kills that very process, and no stranger who got its number. */
export function killProcess(id: ProcessId): void {
  if (!isAlive(id)) return
  signal(id.pid, 'SIGKILL')
}

/** Sends `name`; a negative `pid` means a group. Somebody who is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone, or not ours any more.
  }
}

/** `pid` and what descends from it, as far as the parents still live. */
export function familyOf(pid: number): readonly number[] {
  const family = [pid]
  for (let at = 0; at < family.length && family.length < MAX_FAMILY; at++) {
    family.push(...childrenOf(family[at] ?? 0))
  }
  return family
}

/** Resident memory of a process, in bytes; 0 where it cannot be told. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`))
  return line === null ? 0 : Number(line[1]) * 1024
}

/** Processes whose environment has `variable` (`NAME=value`): ours, wherever they have moved since. */
export function processesWith(variable: string): readonly ProcessId[] {
  const sought = Buffer.from(`${variable}\0`)
  return everyPid()
    .filter((pid) => bytesOf(`/proc/${pid}/environ`).includes(sought))
    .flatMap((pid) => processOf(pid) ?? [])
}

/**
 * Processes that run as `uid`, by any of their four user numbers. Those that have ended and wait only for a parent to
 * notice (for ever, where PID 1 of a container reaps nobody) run nothing and are left out.
 */
export function processesOfUser(uid: number): readonly ProcessId[] {
  return everyPid()
    .filter((pid) => usersOf(pid).includes(uid) && !hasEnded(pid))
    .flatMap((pid) => processOf(pid) ?? [])
}

/** Changes with each start of the machine, after which all numbers mean other processes. */
export function bootId(): string {
  return textOf('/proc/sys/kernel/random/boot_id').trim()
}

function everyPid(): readonly number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^[1-9]\d*$/.test(name) ? [Number(name)] : []))
  } catch {
    return []
  }
}

/** Real, effective, saved and file system user of a process. */
function usersOf(pid: number): readonly number[] {
  const line = /^Uid:\s+(.+)$/m.exec(textOf(`/proc/${pid}/status`))
  return line?.[1]?.split(/\s+/).map(Number) ?? []
}

/** A zombie to its last thread: where the first thread has ended, the others can still run. */
function hasEnded(pid: number): boolean {
  const state = statOf(pid)?.[0]
  return (state === 'Z' || state === 'X') && threadsOf(pid).length <= 1
}

/** Each thread has the children that it made. */
function childrenOf(pid: number): readonly number[] {
  return threadsOf(pid).flatMap((thread) =>
    textOf(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Fields after the name. */
function statOf(pid: number): readonly string[] | undefined {
  const text = textOf(`/proc/${pid}/stat`)
  const end = text.lastIndexOf(')')
  return end === -1 ? undefined : text.slice(end + 2).split(' ')
}

function textOf(path: string): string {
  return bytesOf(path).toString('utf8')
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

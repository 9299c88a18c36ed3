import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { removeFolder } from './folders.ts'
import { bootId, isAlive, killProcess, type ProcessId, processesWith, processOf, signal } from './process-table.ts'

/** What the next start of a host has to know of a process, should this one not live to end it. */
export interface ProcessRecord {
  readonly host: ProcessId
  readonly plugin: ProcessId
  readonly bootId: string
  /** Folder of the host's sockets; removed with the last process. */
  readonly runFolder: string
  /** Value of `PLUGIN_UNIX_SOCKET_DIR`, by which what it forked is found. */
  readonly socketFolder: string
}

const RUN_FOLDER = /^portcullis-[A-Za-z0-9]{6}$/
const MAX_RECORD_BYTES = 4096

/** Keeps a record of `plugin` in `folder`. @returns what takes it away again. */
export function keepRecord(folder: string, pid: number, runFolder: string, socketFolder: string): () => void {
  const host = processOf(process.pid)
  const plugin = processOf(pid)
  if (host === undefined || plugin === undefined) return () => {}
  const record: ProcessRecord = { host, plugin, bootId: bootId(), runFolder, socketFolder }
  const path = join(folder, `${pid}-${plugin.startTicks}.json`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.draft`
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
  renameSync(draft, path)
  return () => rmSync(path, { force: true })
}

/**
 * Ends what hosts that are dead have left behind: processes, what these forked, sockets.
 *
 * A process is known by its number and its start, so that no stranger is hit. @returns how many were killed.
 */
export function reap(folder: string): number {
  let killed = 0
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    const record = readRecord(path)
    if (record !== undefined && isAlive(record.host) && record.bootId === bootId()) continue
    if (record !== undefined) killed += endLeftovers(record)
    rmSync(path, { force: true })
  }
  return killed
}

function endLeftovers(record: ProcessRecord): number {
  if (basename(dirname(dirname(record.socketFolder))) === basename(record.runFolder)) removeRun(record.runFolder)
  if (record.bootId !== bootId()) return 0
  const left = processesWith(`PLUGIN_UNIX_SOCKET_DIR=${record.socketFolder}`)
  const isMainAlive = isAlive(record.plugin)
  // A group that its leader is still in is surely that plugin's.
  if (isMainAlive) signal(-record.plugin.pid, 'SIGKILL')
  for (const id of [record.plugin, ...left]) killProcess(id)
  return left.length + (isMainAlive && !left.some(({ pid }) => pid === record.plugin.pid) ? 1 : 0)
}

/** Only a folder that has the form of ours: the record could have been written by somebody else. */
function removeRun(folder: string): void {
  if (RUN_FOLDER.test(basename(folder))) removeFolder(folder)
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readRecord(path: string): ProcessRecord | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length > MAX_RECORD_BYTES) return undefined
    const record = JSON.parse(text) as ProcessRecord
    const isWhole = [record.host, record.plugin].every(
      (id) => Number.isInteger(id.pid) && id.pid > 1 && typeof id.startTicks === 'string',
    )
    return isWhole && typeof record.runFolder === 'string' && typeof record.socketFolder === 'string'
      ? record
      : undefined
  } catch {
    return undefined
  }
}

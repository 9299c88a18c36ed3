import type { DatabaseDriver } from '../../model/database.ts'
import type { EngineContext } from './context.ts'
import { driverWords } from './driver-words.ts'
import type { AllRecords, ConnectionRecord, PendingRoot } from './records.ts'
import { fail } from './reply.ts'

/** For how long a change of password that was not answered may still come about in a database; milliseconds. */
const MAY_STILL_HAPPEN_MS = 5 * 60_000
/** Rotations at most that may wait for their outcome: each failed within the last minutes. */
export const MAX_CANDIDATES = 16

/**
 * Initialises `driver` with whichever password the database takes: the stored one, or one that a rotation was about
 * to set when it failed or the host went down. One that works instead of the stored one is stored.
 *
 * @returns the record as it stands now.
 * @throws {Refusal} 500: none works; the words are those about the stored one.
 */
export async function openWithCandidates(
  context: EngineContext,
  records: AllRecords,
  name: string,
  record: ConnectionRecord,
  driver: DatabaseDriver,
): Promise<ConnectionRecord> {
  const pending = await records.pendingRoots.get(name)
  const newestFirst = [...(pending?.candidates ?? [])].reverse().map(({ password }) => password)
  const secrets = [record.details.password, ...newestFirst].filter((secret) => typeof secret === 'string')
  let first: unknown
  for (const password of [undefined, ...newestFirst]) {
    const details = password === undefined ? record.details : { ...record.details, password }
    try {
      await driver.initialize(details, true)
      return await settled(context, records, name, { ...record, details }, password, pending)
    } catch (error) {
      first ??= error
    }
  }
  throw fail(driverWords(first, 'unable to initialize', secrets))
}

/** Stores which password works. The others are kept while a change to one of them may still come about. */
async function settled(
  context: EngineContext,
  records: AllRecords,
  name: string,
  record: ConnectionRecord,
  password: string | undefined,
  pending: PendingRoot | undefined,
): Promise<ConnectionRecord> {
  if (pending === undefined) return record
  const left = stillPending(pending, context.clock.wallTime()).filter((candidate) => candidate.password !== password)
  await context.storage.write([
    ...(password === undefined ? [] : [records.connections.change(name, record)]),
    records.pendingRoots.change(name, left.length === 0 ? undefined : { candidates: left }),
  ])
  return record
}

/** Candidates that may yet become the password. */
export function stillPending(pending: PendingRoot | undefined, wallMs: number): PendingRoot['candidates'] {
  return (pending?.candidates ?? []).filter(({ atMs }) => Math.abs(wallMs - atMs) < MAY_STILL_HAPPEN_MS)
}

import type { BackendReply } from '../../model/backend.ts'
import { type Connections, type OpenConnection, secretsOf } from './connections.ts'
import type { EngineContext } from './context.ts'
import { passwordOf } from './credentials.ts'
import { driverWords } from './driver-words.ts'
import type { AllRecords } from './records.ts'
import { fail } from './reply.ts'
import { MAX_CANDIDATES, stillPending } from './root-candidates.ts'

/**
 * Gives the user that a connection logs in as a password that nobody knows but this host.
 *
 * The new password is stored before the database hears of it. Whatever happens between, the next opening of the
 * connection tries the old one and the new one, and keeps the one that works.
 */
export async function rotateRoot(
  context: EngineContext,
  records: AllRecords,
  connections: Connections,
  name: string,
): Promise<BackendReply> {
  const { details } = await connections.record(name)
  if (!isText(details.username)) throw fail('unable to rotate root credentials: no username in configuration')
  if (!isText(details.password)) throw fail('unable to rotate root credentials: no password in configuration')
  // What failed before is settled first, so that the old password is known to be the right one.
  if ((await records.pendingRoots.get(name)) !== undefined) await connections.replace(name)
  await connections.rotate(name, (connection) => rotated(context, records, name, connection))
  return {}
}

async function rotated(
  context: EngineContext,
  records: AllRecords,
  name: string,
  { driver, record }: OpenConnection,
): Promise<void> {
  const password = await passwordOf(context, record.passwordPolicy)
  const wallMs = context.clock.wallTime()
  const before = stillPending(await records.pendingRoots.get(name), wallMs)
  if (before.length >= MAX_CANDIDATES) throw fail('too many rotations failed in the last minutes; try again later')
  await records.pendingRoots.put(name, { candidates: [...before, { password, atMs: wallMs }] })
  try {
    await driver.updateUser({
      username: String(record.details.username),
      credentialType: 'password',
      password: { value: password, statements: record.rootRotationStatements },
    })
  } catch (error) {
    const secrets = [password, ...secretsOf(record)]
    throw fail(`failed to update user: ${driverWords(error, 'unable to update user', secrets)}`)
  }
  const details = { ...record.details, password }
  await context.storage.write([
    records.connections.change(name, { ...record, details }),
    records.pendingRoots.change(name, before.length === 0 ? undefined : { candidates: before }),
  ])
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

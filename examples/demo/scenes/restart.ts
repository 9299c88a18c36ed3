import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Gateway } from 'portcullis'
import type { Operator } from '../operator.ts'
import { green, type Screen, seconds } from '../screen.ts'
import { until } from '../until.ts'
import type { OpenHost } from '../worlds/on-host.ts'
import type { Credential } from './scene.ts'

/** What is restarted, and how. */
export interface Restart {
  readonly screen: Screen
  readonly operator: Operator
  readonly folder: string
  readonly opened: OpenHost
  reopen(): Promise<OpenHost>
}

export async function restart({ screen, operator, folder, opened, reopen }: Restart): Promise<void> {
  screen.step(
    'The host is closed and opened again',
    'A lease is stored before it is told: the host knows it when it is back, and ends what ran out meanwhile.',
  )
  const job = await jobOf(opened.operator)
  const long = await job.read<Credential>('database/creds/orders')
  const short = await job.read<Credential>('database/creds/rotated')
  screen.say(`two users for a job: one on a lease for ${seconds(long.ttlMs)}, one for ${seconds(short.ttlMs)}`)
  const shortEndsAt = performance.now() + short.ttlMs
  await screen.run('host closed and opened', async () => {
    await opened.close()
    screen.say(`closed; what lies on the disk: ${onDisk(folder)}`)
    await until('the short lease ended', () => performance.now() > shortEndsAt)
    const { host } = await reopen()
    const known = host.operator.leases('database/creds/orders/')
    if (known.length !== 1 || known[0] !== long.leaseId) throw new Error('the demo expected the lease of before')
    screen.say(green(`opened; leases it knows on database/creds/orders: ${known.length}, the one of before`))
    screen.say(`PostgreSQL says: ${await operator.whoAmI(long.data.username, long.data.password)}`)
    await until('the short user is gone', () => operator.isRefused(short.data.username, short.data.password))
    screen.say('the user whose lease ran out can no longer log in there')
    host.operator.revoke(long.leaseId)
    await until('the long user is gone', () => operator.isRefused(long.data.username, long.data.password))
    screen.say('the other one neither, once its lease is revoked')
    return `${known.length} lease known`
  })
}

/** Someone with a token of its own, which outlives this host. */
async function jobOf(operator: Gateway): Promise<Gateway> {
  const { auth } = await operator.write('auth/token/create', { no_parent: true, ttl: '1h' })
  if (auth === undefined) throw new Error('the demo expected a token')
  return operator.as({}, { token: auth.token })
}

/** Looks for a stored secret in what is stored. */
function onDisk(folder: string): string {
  const storage = join(folder, 'storage')
  const bytes = Buffer.concat(readdirSync(storage).map((name) => readFileSync(join(storage, name))))
  if (bytes.includes('green')) throw new Error('the demo expected an encrypted storage')
  const mode = (statSync(join(folder, 'root.key')).mode & 0o777).toString(8)
  return `${Math.ceil(bytes.length / 1024)} KiB, encrypted; the root key in a file of mode 0${mode}`
}

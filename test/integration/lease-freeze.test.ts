import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { enableDatabase, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { startAuditedBao } from './real.ts'

const skip = await realServersAbsent()

/** Reads and prints the user it was given, again and again, as long as its input is open. */
const READER = `
  import { callback, createGateway, token } from 'portcullis'
  const gateway = await createGateway({ server: { address: process.env.ADDRESS }, auth: token({ token: process.env.TOKEN }),
    dangerouslyAllowEverything: true, audit: { devices: [callback('none', () => {})] } })
  const read = async () => {
    const { data, ttlMs } = await gateway.read('database/creds/app')
    console.log(JSON.stringify({ user: data.username, password: data.password, ttlMs }))
  }
  setInterval(() => read().catch((error) => console.log(JSON.stringify({ error: error.code }))), 100)
`

test('row m: a process stopped for longer than a lease serves no ended lease when it goes on, and mints no storm', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl: '3s', maxTtl: '3s' })
  const env = { ...process.env, ADDRESS: bao.address, TOKEN: bao.rootToken }
  const child = spawn(process.execPath, ['-C', 'portcullis-source', '--input-type=module', '-e', READER], { env })
  t.after(() => child.kill('SIGKILL'))
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => void lines.push(line))
  while (lines.length < 5) await wait(50)
  child.kill('SIGSTOP')
  await wait(6_000)
  const before = lines.length
  const mintedBefore = bao.requestsOn('database/creds/app').length

  child.kill('SIGCONT')
  while (lines.length < before + 10) await wait(20)

  const served = lines.slice(before).map((line) => JSON.parse(line) as Record<string, string>)
  assert.deepEqual(
    served.filter(({ error }) => error !== undefined),
    [],
  )
  const { user = '', password = '' } = served.at(-1) ?? {}
  await (await postgres.connect(user, password)).end()
  const dead = new Set(lines.slice(0, before).map((line) => (JSON.parse(line) as Record<string, string>).user))
  assert.deepEqual(
    served.filter(({ user }) => dead.has(user)),
    [],
  )
  assert.ok(bao.requestsOn('database/creds/app').length - mintedBefore <= 2, 'no storm of new leases')
})

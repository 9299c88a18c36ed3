// The main job, on a real OpenBao server and a real PostgreSQL: npm run demo
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditEntry, appRole, createGateway, file, type Gateway, PolicyDeniedError } from 'portcullis'
import { createScreen, dim, green, red, type Screen } from './screen.ts'
import { type Servers, startServers } from './servers.ts'

const screen = createScreen()
const folder = mkdtempSync(join(tmpdir(), 'portcullis-demo-'))
const auditFile = join(folder, 'audit.jsonl')
let servers: Servers | undefined

try {
  console.log('portcullis: policy, leases and audit between a service and its secrets server')
  console.log(dim('starting a real OpenBao and a real PostgreSQL (the first time they are downloaded) …'))
  await screen.run('servers started', async () => {
    servers = await startServers()
    return `${servers.versions}`
  })
  if (servers !== undefined) await show(servers)
  screen.table()
} finally {
  await servers?.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function show(servers: Servers): Promise<void> {
  const secretIdFile = join(folder, 'secret-id')
  writeFileSync(secretIdFile, servers.secretId, { mode: 0o600 })
  const gateway = await createGateway({
    server: { address: servers.address },
    auth: appRole({ roleId: servers.roleId, secretIdFile }),
    policies: join(import.meta.dirname, 'policies'),
    caller: { service: 'orders' },
    audit: { devices: [file(auditFile)] },
  })
  try {
    await logIn(gateway)
    await refuse(gateway)
    await useDatabase(gateway, servers)
    await encrypt(gateway)
  } finally {
    await gateway.close()
  }
  showAudit(screen)
}

async function logIn(gateway: Gateway): Promise<void> {
  screen.step('Log in and read', 'AppRole: the first call logs in; nobody in the service ever sees the token.')
  gateway.on('login', ({ method, ttlMs }) => screen.say(`logged in with ${method}, token lives ${seconds(ttlMs)}`))
  await screen.run('login and first read', async () => {
    const { value, answer } = await gateway.kv('kv').read('orders/theme')
    screen.say(`kv/orders/theme = ${JSON.stringify(value)}`)
    screen.say(green(`allowed by policy ${answer.decision.policy}, rule ${answer.decision.rule}`))
    return `allowed, from the ${answer.source}`
  })
}

async function refuse(gateway: Gateway): Promise<void> {
  screen.step(
    'A read that policy refuses',
    'The token may read it at the server; the local guardrail says no, and nothing is sent.',
  )
  await screen.run('read of kv/payroll', async () => {
    await refused(() => gateway.kv('kv').read('payroll/salaries'))
    return 'refused, nothing sent'
  })
}

async function useDatabase(gateway: Gateway, servers: Servers): Promise<void> {
  screen.step('A database credential that works', 'The server makes a PostgreSQL user for this service, on a lease.')
  await screen.run('credential made and used', async () => {
    const { username, password, answer } = await gateway.database().credentials('orders')
    screen.say(`user ${username}, lease for ${seconds(answer.ttlMs)}`)
    screen.say(`PostgreSQL says: ${await servers.whoAmI(username, password)}`)
    return `from the ${answer.source}`
  })
  screen.step(
    'The same credential again, 200 times at once',
    'One lease serves them all; each is decided and recorded on its own.',
  )
  await screen.run('200 more reads', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => gateway.read('database/creds/orders')))
    const users = new Set(answers.map(({ data }) => data.username))
    screen.say(`${answers.length} answers, ${users.size} user; leases at the server: ${await servers.leases()}`)
    return `from the ${answers[0]?.source}`
  })
}

async function encrypt(gateway: Gateway): Promise<void> {
  screen.step(
    'A request that its schema refuses',
    'Policy checks what is asked, not only where: this plaintext is too long.',
  )
  await screen.run('transit call, good', async () => {
    const ciphertext = await gateway.transit().encrypt('cards', '4111 1111 1111 1111')
    screen.say(green(`encrypted: ${ciphertext.slice(0, 24)}…`))
    return 'allowed'
  })
  await screen.run('transit call, too long', async () => {
    await refused(() => gateway.transit().encrypt('cards', 'x'.repeat(1000)))
    return 'refused, nothing sent'
  })
}

async function refused(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof PolicyDeniedError)) throw error
    screen.say(red(error.message))
    return
  }
  throw new Error('the demo expected a refusal')
}

function showAudit(screen: Screen): void {
  const entries = readFileSync(auditFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry)
  screen.step(
    'The audit',
    `${entries.length} entries, each written before its answer was handed over; secrets stand as HMACs.`,
  )
  const shown = [...entries.slice(0, 4), ...entries.slice(4).filter(({ decision }) => decision.effect === 'deny')]
  for (const entry of shown) screen.say(line(entry))
  const hit = entries.find(({ response }) => response?.source === 'cache')
  if (hit === undefined) throw new Error('the demo expected a cache hit in the audit')
  screen.say(line(hit))
  screen.say(dim(`whole: ${JSON.stringify(hit).slice(0, 420)}…`))
}

function line({ sequence, type, caller, request, decision, response }: AuditEntry): string {
  const source = response === undefined ? '' : ` from ${response.source}`
  const by = decision.policy === undefined ? decision.reason : `${decision.policy}/${decision.rule}`
  const text = `#${sequence} ${type.padEnd(8)} ${caller.service} ${request.operation} ${request.path}${source}: ${decision.effect} (${by})`
  return decision.effect === 'deny' ? red(text) : text
}

function seconds(ms: number): string {
  return ms === Infinity ? 'for ever' : `${Math.round(ms / 1000)} s`
}

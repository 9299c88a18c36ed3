// The main job, on a real OpenBao server and a real PostgreSQL: npm run demo
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appRole, createGateway, file } from 'portcullis'
import { showAudit } from './scenes/audit.ts'
import { shareCredential, useCredential } from './scenes/credential.ts'
import { killToken } from './scenes/killed-token.ts'
import { logIn } from './scenes/log-in.ts'
import { refuseData, refuseRead } from './scenes/refusals.ts'
import { renew } from './scenes/renewal.ts'
import { rotate } from './scenes/rotation.ts'
import type { Scene } from './scenes/scene.ts'
import { createScreen, dim } from './screen.ts'
import { type Servers, startServers } from './servers.ts'

const SCENES: readonly Scene[] = [
  logIn,
  refuseRead,
  useCredential,
  shareCredential,
  refuseData,
  renew,
  rotate,
  killToken,
]

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
  showAudit(screen, auditFile)
  screen.table()
} finally {
  await servers?.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function show({ address, roleId, secretId, operator }: Servers): Promise<void> {
  const secretIdFile = join(folder, 'secret-id')
  writeFileSync(secretIdFile, secretId, { mode: 0o600 })
  const gateway = await createGateway({
    server: { address },
    auth: appRole({ roleId, secretIdFile }),
    policies: join(import.meta.dirname, 'policies'),
    caller: { service: 'orders' },
    audit: { devices: [file(auditFile)] },
  })
  try {
    for (const scene of SCENES) await scene({ screen, gateway, operator })
  } finally {
    await gateway.close()
  }
}

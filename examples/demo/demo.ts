// The main job, on a plugin host or on a real server: npm run demo
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway, file } from 'portcullis'
import { launchPostgres, type Postgres } from '../support/postgres.ts'
import { showAudit } from './scenes/audit.ts'
import { shareCredential, useCredential } from './scenes/credential.ts'
import { killToken } from './scenes/killed-token.ts'
import { logIn } from './scenes/log-in.ts'
import { refuseData, refuseRead } from './scenes/refusals.ts'
import { renew } from './scenes/renewal.ts'
import { rotate } from './scenes/rotation.ts'
import type { Scene } from './scenes/scene.ts'
import { createScreen, dim } from './screen.ts'
import { onHost } from './worlds/on-host.ts'
import { onServer } from './worlds/on-server.ts'
import type { World } from './worlds/world.ts'

const USAGE = `usage: npm run demo               on a plugin host: no server is needed
       npm run demo -- --server   on a real OpenBao, which is downloaded the first time`

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

const words = process.argv.slice(2)
const isOnServer = words[0] === '--server'
if (words.length > (isOnServer ? 1 : 0)) {
  console.error(USAGE)
  process.exitCode = 2
} else await run()

async function run(): Promise<void> {
  const screen = createScreen()
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-demo-'))
  let postgres: Postgres | undefined
  let world: World | undefined
  try {
    console.log('portcullis: policy, leases and audit between a service and its secrets')
    console.log(dim(`starting ${isOnServer ? 'a real OpenBao' : 'a plugin host'} and a real PostgreSQL …`))
    await screen.run('started', async () => {
      postgres = await launchPostgres()
      world = await (isOnServer ? onServer : onHost)(folder, postgres)
      const [version] = await postgres.query('show server_version')
      return `${world.runs}, PostgreSQL ${String(version?.server_version).split(' ')[0]}`
    })
    if (world !== undefined) await show(world)
    screen.table()
  } finally {
    // A scene that failed is what has to be heard of, not what then cannot be closed.
    await Promise.allSettled([world?.close()])
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  }

  async function show(world: World): Promise<void> {
    const auditFile = join(folder, 'audit.jsonl')
    const gateway = await createGateway({
      ...world.access,
      policies: join(import.meta.dirname, 'policies'),
      caller: { service: 'orders' },
      audit: { devices: [file(auditFile)] },
    })
    try {
      for (const scene of [...SCENES, ...world.scenes]) await scene({ screen, gateway, world })
    } finally {
      await gateway.close()
    }
    await world.afterwards(screen)
    showAudit(screen, world, auditFile)
  }
}

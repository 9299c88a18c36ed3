import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sha256Of } from '../../support/sha256.ts'
import { type KeysHostPlace, keysHost } from './keys-host.ts'

const KILLS = 30
const WORKERS = 8
const MAIN = fileURLToPath(new URL('keys-main.ts', import.meta.url))
const SERVED = fileURLToPath(new URL('served/api-keys.ts', import.meta.url))

test(`${KILLS} times kill -9 while a plugin mints, renews and revokes: no lease that was told is forgotten`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-keys-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const alive = new Set<string>()
  const server = await serviceOf(alive)
  t.after(() => server.close())
  const place = placeOf(folder, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const notes = join(folder, 'notes')
  for (let round = 0; round < KILLS; round += 1) await runAndKill(place, notes)
  const told = readFileSync(notes, 'utf8').split('\n').slice(0, -1)
  const ending = new Set(told.filter((line) => line.startsWith('ending')).map((line) => line.split(' ')[2]))
  const minted = told.filter((line) => line.startsWith('minted')).map((line) => line.split(' '))
  assert.ok(minted.length > KILLS, `${minted.length} keys minted`)

  const host = await keysHost(place)
  t.after(() => host.close())
  const leases = new Set(host.operator.leases())
  const lost = minted.filter(([, , lease]) => !leases.has(lease ?? '') && !ending.has(lease))
  assert.deepEqual(lost, [], 'leases that were told, and that nobody ended, are there')
  const before = alive.size
  host.operator.revoke('keys/')
  await until(() => host.operator.leases().length === 0, 'the end of all leases')
  const living = minted.filter(([, id]) => alive.has(id ?? ''))
  assert.deepEqual(living, [], 'no key that was told lives without a lease')
  // What the service had made when the host was killed, and the host had not stored: nobody was told of it.
  assert.ok(alive.size <= KILLS * WORKERS, `${alive.size} keys of nobody`)
  t.diagnostic(
    `${KILLS} kills, ${minted.length} keys told, ${leases.size} leases found, ${before} keys alive, ${alive.size} minted and never told`,
  )
})

/** A service that makes keys and knows which are alive. */
async function serviceOf(alive: Set<string>): Promise<Server> {
  let count = 0
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      const id = `k${++count}`
      alive.add(id)
      response.end(id)
      return
    }
    alive.delete((request.url ?? '').slice(1))
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function placeOf(folder: string, api: string): KeysHostPlace {
  const command = join(folder, 'api-keys')
  const head = `#!/usr/bin/env -S ${process.execPath} --conditions=portcullis-source`
  writeFileSync(command, `${head}\nimport(${JSON.stringify(SERVED)})\n`)
  chmodSync(command, 0o755)
  const sha256 = sha256Of(command)
  return { folder, command, sha256, api }
}

/** Kills the host a moment after the first key of its round. */
async function runAndKill(place: KeysHostPlace, notes: string): Promise<void> {
  const size = (): number => (existsSync(notes) ? statSync(notes).size : 0)
  const before = size()
  const args = ['-C', 'portcullis-source', MAIN, JSON.stringify(place), notes, String(WORKERS)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const closed = once(child, 'close')
  await until(() => size() > before || child.exitCode !== null, 'a key')
  await delay(Math.random() * 150)
  assert.equal(child.exitCode, null, 'the host lives until it is killed')
  child.kill('SIGKILL')
  await closed
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !isTrue(); ) {
    assert.ok(Date.now() < end, `${what} did not come`)
    await delay(5)
  }
}

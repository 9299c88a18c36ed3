import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startChild, untilReady } from '../../examples/support/child.ts'
import { freePort } from '../../examples/support/free-port.ts'
import { UnavailableError } from '../../examples/support/unavailable.ts'
import { launched } from './real-servers.ts'

/** A running Redis on 127.0.0.1, whose user `default` has a password. */
export interface Redis {
  readonly port: number
  readonly password: string
  /** Logs in and sends one command of plain words. @returns the first line of the answer, without its end. */
  ask(username: string, password: string, command: string): Promise<string>
  stop(): Promise<void>
}

/** A Redis server for the time of `t`; skips `t` where there is none, fails it in CI. */
export function startRedis(t: TestContext): Promise<Redis> {
  return launched(t, launch)
}

async function launch(): Promise<Redis> {
  const [port, folder, password] = [await freePort(), mkdtempSync(join(tmpdir(), 'redis-')), crypto.randomUUID()]
  try {
    execFileSync('redis-server', ['--version'])
  } catch (cause) {
    throw new UnavailableError('redis-server is not installed', { cause })
  }
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--requirepass', password]
  const child = startChild('redis-server', args, { cwd: folder, env: { PATH: process.env.PATH } })
  await untilReady(child, 'redis', async () => child.log().includes('Ready to accept connections'))
  return {
    port,
    password,
    ask: (username, secret, command) => ask(port, `AUTH ${username} ${secret}\r\n${command}\r\nQUIT\r\n`),
    async stop(): Promise<void> {
      await child.stop('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The answer to the second of `commands`, or to the first where that is refused. */
function ask(port: number, commands: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(commands))
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', reject).on('close', () => {
      const [first = '', second = ''] = text.split('\r\n')
      resolve(first.startsWith('-') ? first : second)
    })
  })
}

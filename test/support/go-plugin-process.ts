import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { certificateOfField, createCertificate } from '../../lib/plugin-host/wire/certificate.ts'
import { type Channel, openChannel } from '../../lib/plugin-host/wire/grpc/channel.ts'
import type { MutualTls } from '../../lib/plugin-host/wire/grpc/connect.ts'

/** A plugin started by hand, without the host: for tests of the wire alone. */
export interface PluginProcess {
  readonly channel: Channel
  readonly pid: number
  /** Application protocol version of its handshake. */
  readonly version: string
  /** Where it listens. */
  readonly path: string
  /** What it trusts, and what it has to show. */
  readonly identity: MutualTls
  /** A connection that shows another certificate than the plugin was told to trust. */
  openAsStranger(): Promise<Channel>
}

const COOKIES = {
  backend: { VAULT_BACKEND_PLUGIN: '6669da05-b1c8-4f49-97d9-c8e5bed98e20', PLUGIN_PROTOCOL_VERSIONS: '5' },
  database: { VAULT_DATABASE_PLUGIN: '926a0820-aea2-be28-51d6-83cdf00e8edb', PLUGIN_PROTOCOL_VERSIONS: '5,6' },
} as const

/** Runs `program` for the time of `t`, with AutoMTLS, and connects to it. */
export async function startPlugin(
  t: TestContext,
  program: string,
  kind: keyof typeof COOKIES = 'backend',
): Promise<PluginProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'plugin-'))
  const { certPem: cert, keyPem: key } = await createCertificate()
  const child = spawn(program, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...COOKIES[kind],
      VAULT_PLUGIN_AUTOMTLS_ENABLED: 'true',
      VAULT_PLUGIN_METADATA_MODE: 'false',
      VAULT_VERSION: '1.21.4',
      PLUGIN_CLIENT_CERT: cert,
      PLUGIN_UNIX_SOCKET_DIR: folder,
      TMPDIR: folder,
    },
  })
  const exited = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const [, version = '', , path = '', , field = ''] = line.split('|')
  const ca = certificateOfField(field)
  if (ca === undefined) throw new Error('the handshake has no certificate')
  const channel = await openChannel({ path }, { tls: { ca, cert, key } })
  t.after(() => channel.close())
  return {
    channel,
    version,
    path,
    identity: { ca, cert, key },
    pid: child.pid ?? 0,
    async openAsStranger(): Promise<Channel> {
      const other = await createCertificate()
      return openChannel({ path }, { tls: { ca, cert: other.certPem, key: other.keyPem } })
    },
  }
}

import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type AuditEntry, callback, createGateway, type Gateway, type GatewayOptions } from 'portcullis'
import {
  createPluginHost,
  createStorage,
  type HostEvent,
  lmdb,
  type PluginHost,
  type PluginHostOptions,
  rootKeyOf,
} from 'portcullis/plugin-host'

/** A host on real storage that real plugins run behind. It can be started again on the same storage. */
export interface RealHost {
  host: PluginHost
  readonly events: HostEvent[]
  /** Closes it and starts another on what is stored. */
  restart(): Promise<PluginHost>
}

/** LMDB below a barrier; everything goes after `t`. */
export async function startHost(t: TestContext, options: Omit<PluginHostOptions, 'storage'>): Promise<RealHost> {
  const folder = mkdtempSync(join(tmpdir(), 'host-'))
  const rootKey = rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
  const events: HostEvent[] = []
  const start = async (): Promise<PluginHost> =>
    createPluginHost({
      storage: await createStorage({ driver: lmdb(join(folder, 'storage')), rootKey }),
      processes: { folder: join(folder, 'run') },
      onEvent: (event) => void events.push(event),
      ...options,
    })
  const it: RealHost = {
    host: await start(),
    events,
    async restart(): Promise<PluginHost> {
      await it.host.close()
      it.host = await start()
      return it.host
    },
  }
  t.after(async () => {
    await it.host.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return it
}

/** SHA-256 of a file, in hex. */
export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** A gateway over `host`, with what it audits. */
export async function gatewayOver(
  t: TestContext,
  host: PluginHost,
  options: Partial<Pick<GatewayOptions, 'policies' | 'caller' | 'auth' | 'dangerouslyAllowEverything' | 'leases'>> = {},
): Promise<{ readonly gateway: Gateway; readonly entries: AuditEntry[] }> {
  const entries: AuditEntry[] = []
  const gateway = await createGateway({
    server: host,
    audit: { devices: [callback('test', (entry) => void entries.push(entry as AuditEntry))] },
    ...options,
  })
  t.after(() => gateway.close())
  return { gateway, entries }
}

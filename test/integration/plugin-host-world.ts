import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuditEntry, callback, createGateway, type Gateway, type GatewayOptions } from 'portcullis'
import {
  createPluginHost,
  createStorage,
  type HostEvent,
  lmdb,
  type PluginHost,
  type PluginHostOptions,
  type RootKeySource,
  rootKeyOf,
  type Storage,
  type StorageDriver,
} from 'portcullis/plugin-host'
import { checked } from '../support/checked-device.ts'

/** A host on real storage that real plugins run behind. It can be started again on the same storage. */
export interface RealHost {
  host: PluginHost
  readonly events: HostEvent[]
  /** What it keeps everything in. */
  storage: Storage
  /** What the next start unlocks the storage with. */
  rootKey: RootKeySource
  /** Closes it and starts another on what is stored. */
  restart(): Promise<PluginHost>
}

/** Where a host of a test keeps things: LMDB, and a key of its own, unless said otherwise. */
export interface Place {
  readonly driver?: StorageDriver
  readonly rootKey?: RootKeySource
}

/** On storage below a barrier; everything goes after `t`. */
export async function startHost(
  t: TestContext,
  options: Omit<PluginHostOptions, 'storage'>,
  place: Place = {},
): Promise<RealHost> {
  const folder = mkdtempSync(join(tmpdir(), 'host-'))
  const { driver = lmdb(join(folder, 'storage')) } = place
  const rootKey = place.rootKey ?? rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
  const open = (key: RootKeySource): Promise<Storage> => createStorage({ driver, rootKey: key })
  const events: HostEvent[] = []
  const start = (storage: Storage): Promise<PluginHost> =>
    createPluginHost({
      storage,
      processes: { folder: join(folder, 'run') },
      onEvent: (event) => void events.push(event),
      ...options,
    })
  const storage = await open(rootKey)
  const it: RealHost = {
    ...{ host: await start(storage), events, storage, rootKey },
    async restart(): Promise<PluginHost> {
      await it.host.close()
      it.storage = await open(it.rootKey)
      it.host = await start(it.storage)
      return it.host
    },
  }
  t.after(async () => {
    await it.host.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return it
}

/** A plugin may say for a moment after its start that it is not ready. */
export async function untilReady(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await work()
      return
    } catch (error) {
      if (tries >= 100) throw error
      await sleep(100)
    }
  }
}

/** A gateway over `host`, which it leaves open, with what it audits. */
export async function gatewayOver(
  t: TestContext,
  host: PluginHost,
  options: Partial<Pick<GatewayOptions, 'policies' | 'caller' | 'auth' | 'dangerouslyAllowEverything' | 'leases'>> = {},
): Promise<{ readonly gateway: Gateway; readonly entries: AuditEntry[] }> {
  const entries: AuditEntry[] = []
  const gateway = await createGateway({
    server: host.shared(),
    audit: { devices: [checked(callback('test', (entry) => void entries.push(entry as AuditEntry)))] },
    ...options,
  })
  t.after(() => gateway.close())
  return { gateway, entries }
}

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { BackendRequest, MountFacts, SystemView } from '../../../lib/model/backend.ts'
import type { PluginsOptions } from '../../../lib/plugin-host/process/config.ts'
import { createPlugins } from '../../../lib/plugin-host/process/create-plugins.ts'
import type { PluginLogEntry } from '../../../lib/plugin-host/process/log-entry.ts'
import type { BackendServices, CatalogEntry, Plugins } from '../../../lib/plugin-host/process/plugins.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { sha256Of } from '../../support/sha256.ts'

/** A host of plugin processes with a folder of its own, closed at the end of the test. */
export interface Rig {
  readonly plugins: Plugins
  readonly folder: string
  readonly log: PluginLogEntry[]
  readonly warnings: string[]
}

export function rig(t: TestContext, options: Partial<PluginsOptions> = {}): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'plugins-'))
  const log: PluginLogEntry[] = []
  const warnings: string[] = []
  const diagnostics = {
    warn: (message: string, fields = {}) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  }
  const plugins = createPlugins({ folder, diagnostics, onLog: (entry) => void log.push(entry), ...options })
  t.after(async () => {
    await plugins.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { plugins, folder, log, warnings }
}

export function entryOf(command: string, more: Partial<CatalogEntry> = {}): CatalogEntry {
  return {
    name: 'p',
    type: 'secret',
    version: '',
    command,
    args: [],
    env: [],
    sha256: existsSync(command) ? sha256Of(command) : '0'.repeat(64),
    isBuiltin: false,
    isolation: 'crash',
    ...more,
  }
}

export function mountOf(path: string, more: Partial<MountFacts> = {}): MountFacts {
  return {
    path,
    type: 'secret',
    pluginName: 'p',
    pluginVersion: '',
    backendUuid: '1f0a8f64-5717-4562-b3fc-2c963f66afa6',
    options: {},
    ...more,
  }
}

export const VIEW: SystemView = {
  defaultLeaseTtlMs: 3_600_000,
  maxLeaseTtlMs: 86_400_000,
  tainted: false,
  wrap: () => Promise.reject(new Error('no wrapping here')),
  password: async () => 'p4ssword',
  entity: async () => undefined,
  clusterId: 'c1',
}

export function servicesOf(more: Partial<BackendServices> = {}): BackendServices {
  return { storage: memory(), view: VIEW, ...more }
}

export function request(operation: BackendRequest['operation'], path: string, data: unknown = {}): BackendRequest {
  return {
    id: '7f0a8f64-5717-4562-b3fc-2c963f66afa6',
    operation,
    path,
    data: JSON.stringify(data),
    clientToken: '',
    clientTokenAccessor: '',
    displayName: '',
    mountPoint: 'm/',
    mountType: 'p',
    mountAccessor: 'p_00000000',
    entityId: '',
    unauthenticated: false,
    remoteAddress: '',
    wrapTtlMs: 0,
  }
}

export const CALL = { timeoutMs: 20_000 } as const

/** Processes that have `text` in their environment or command line: a folder names those of one host. */
export function processesNaming(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => ['environ', 'cmdline'].some((file) => contentOf(`/proc/${pid}/${file}`).includes(text)))
    .map(Number)
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

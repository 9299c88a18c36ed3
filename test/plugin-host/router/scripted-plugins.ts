import type {
  Backend,
  BackendAuth,
  BackendReply,
  BackendRequest,
  BackendResponse,
  BackendSecret,
  Existence,
  MountFacts,
  SpecialPaths,
} from '../../../lib/model/backend.ts'
import type { BackendServices, CatalogEntry, Inspection, Plugins } from '../../../lib/plugin-host/process/plugins.ts'

/** What a scripted plugin does with requests. */
export interface Script {
  handle(request: BackendRequest, services: BackendServices): BackendReply | Promise<BackendReply>
  exists?(request: BackendRequest): Existence
  readonly specialPaths?: Partial<SpecialPaths>
  /** As it reports. */
  readonly version?: string
  readonly type?: Inspection['type']
}

/** Plugins in the memory of the test: no process, every request written down. */
export class ScriptedPlugins implements Plugins {
  readonly requests: (BackendRequest & { readonly plugin: string })[] = []
  /** `open mock/`, `close mock/`, … */
  readonly log: string[] = []
  readonly facts: MountFacts[] = []
  readonly #scripts: Readonly<Record<string, Script>>

  constructor(scripts: Readonly<Record<string, Script>>) {
    this.#scripts = scripts
  }

  async backend(entry: CatalogEntry, mount: MountFacts, services: BackendServices): Promise<Backend> {
    const script = this.#scripts[entry.name]
    if (script === undefined) throw new Error(`no script for ${entry.name}`)
    this.log.push(`open ${mount.path} ${entry.version}`.trim())
    this.facts.push(mount)
    const specialPaths = {
      root: [],
      unauthenticated: [],
      localStorage: [],
      sealWrapStorage: [],
      ...script.specialPaths,
    }
    return {
      specialPaths,
      exists: async (request) => script.exists?.(request) ?? { checked: false, exists: false },
      handle: async (request) => {
        this.requests.push({ ...request, plugin: entry.name })
        return script.handle(request, services)
      },
      invalidate: async () => undefined,
      close: async () => void this.log.push(`close ${mount.path}`),
    }
  }

  database(): Promise<never> {
    return Promise.reject(new Error('no database here'))
  }

  async inspect(entry: CatalogEntry): Promise<Inspection> {
    const script = this.#scripts[entry.name]
    return {
      type: script?.type ?? (entry.type as Inspection['type']),
      version: script?.version ?? '',
      protocolVersion: 5,
      multiplexing: true,
      autoMtls: true,
      services: undefined,
      differences: [],
      specialPaths: undefined,
      help: '',
      paths: [],
    }
  }

  async close(): Promise<void> {
    this.log.push('closed')
  }

  /** Requests of an operation, without their noise. */
  of(operation: BackendRequest['operation']): readonly BackendRequest[] {
    return this.requests.filter((request) => request.operation === operation)
  }
}

/** A response with data. */
export function said(data: object | null, more: Partial<BackendResponse> = {}): BackendReply {
  return { response: { data: JSON.stringify(data), redirect: '', warnings: [], wrapTtlMs: 0, headers: {}, ...more } }
}

/** A secret, as a plugin makes one. */
export function secretOf(more: Partial<BackendSecret> = {}): BackendSecret {
  return {
    ttlMs: 0,
    maxTtlMs: 0,
    renewable: true,
    incrementMs: 0,
    issuedAtMs: undefined,
    internalData: '{"secret_type":"cred"}',
    leaseId: '',
    ...more,
  }
}

/** A login, as an auth plugin answers it. */
export function authOf(more: Partial<BackendAuth> = {}): BackendAuth {
  return {
    ttlMs: 0,
    maxTtlMs: 0,
    renewable: true,
    incrementMs: 0,
    issuedAtMs: undefined,
    internalData: '{"role":"r"}',
    displayName: 'alice',
    policies: ['P1', 'p2'],
    metadata: { role: 'r' },
    periodMs: 0,
    numUses: 0,
    explicitMaxTtlMs: 0,
    alias: { name: 'alice', metadata: {} },
    groupAliases: [],
    boundCidrs: [],
    tokenType: 'default',
    noDefaultPolicy: false,
    ...more,
  }
}

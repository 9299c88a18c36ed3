import { PluginError } from '../../errors/index.ts'
import type { BackendRequest, SpecialPaths } from '../../model/backend.ts'
import { BackendService, PluginVersionService } from '../wire/gen/services.ts'
import { reflect } from '../wire/reflection.ts'
import { replyFromWire, specialPathsFromWire } from '../wire/reply.ts'
import { requestToWire } from '../wire/request.ts'
import type { PluginsConfig } from './config.ts'
import { pathsOfHelp } from './help-paths.ts'
import { cleanUp, type Instance, setUp } from './instance.ts'
import { MountStorage } from './mount-storage.ts'
import type { PluginProcess } from './plugin-process.ts'
import type { InspectedPath, Inspection, PluginType } from './plugins.ts'
import { NO_STORAGE, NO_VIEW } from './quarantine.ts'

/** For each question; milliseconds. */
const STEP_MS = 10_000
const MAX_TEXT = 256
const UUID = '00000000-0000-4000-8000-000000000000'

/** Asks a process what it is: everything it says is told, nothing is believed, and no failure is one of ours. */
export async function inspect(process: PluginProcess, config: PluginsConfig): Promise<Inspection> {
  const reflection = await reflect(process.channel, STEP_MS).catch(() => undefined)
  const services = reflection?.services
  const differences = reflection?.differences ?? []
  const own = process.entry.type
  const common = {
    protocolVersion: process.protocolVersion,
    multiplexing: process.multiplexes,
    autoMtls: true,
    services,
    differences,
  }
  const nothing = { specialPaths: undefined, help: '', paths: [] }
  if (own === 'database') return { ...common, version: await versionOf(process, {}), type: 'database', ...nothing }
  let instance: Instance
  try {
    instance = await setUp(process, partsOf(process, config))
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    const note = `it refuses a set-up without storage (${error.code})`
    const version = await versionOf(process, {})
    return { ...common, version, differences: [...differences, note], type: own, ...nothing }
  }
  try {
    const version = await versionOf(process, instance.metadata)
    const specialPaths = await specialPathsIn(instance)
    return { ...common, version, type: await typeOf(instance), specialPaths, ...(await helpOf(instance, specialPaths)) }
  } finally {
    await cleanUp(instance, STEP_MS)
  }
}

function partsOf(
  process: PluginProcess,
  { clock, hostVersion, random, storage }: PluginsConfig,
): Parameters<typeof setUp>[1] {
  const { entry } = process
  return {
    mount: {
      path: entry.type === 'auth' ? 'auth/inspection/' : 'inspection/',
      type: entry.type === 'auth' ? 'auth' : 'secret',
      pluginName: entry.name,
      pluginVersion: entry.version,
      backendUuid: UUID,
      options: {},
    },
    services: { storage: NO_STORAGE, view: NO_VIEW },
    storage: new MountStorage({ store: NO_STORAGE, limits: storage, clock, random }),
    hostVersion,
    random,
    stepTimeoutMs: STEP_MS,
  }
}

/** One that multiplexes backends answers for an instance; databases are asked without one. */
async function versionOf({ channel }: PluginProcess, metadata: Readonly<Record<string, string>>): Promise<string> {
  const options = { metadata, timeoutMs: STEP_MS }
  const { pluginVersion } = await channel
    .unary(PluginVersionService.version, {}, options)
    .catch(() => ({ pluginVersion: '' }))
  return pluginVersion.slice(0, MAX_TEXT)
}

async function typeOf({ process, metadata }: Instance): Promise<PluginType> {
  const options = { metadata, timeoutMs: STEP_MS }
  const { type } = await process.channel.unary(BackendService.type, {}, options).catch(() => ({ type: 0 }))
  return type === 1 ? 'secret' : type === 2 ? 'auth' : process.entry.type
}

async function specialPathsIn({ process, metadata }: Instance): Promise<SpecialPaths | undefined> {
  try {
    const { paths } = await process.channel.unary(BackendService.specialPaths, {}, { metadata, timeoutMs: STEP_MS })
    return specialPathsFromWire(paths)
  } catch {
    return undefined
  }
}

/** The root help, which describes every path of a plugin made with the field's SDKs. */
async function helpOf(
  { process, metadata }: Instance,
  special: SpecialPaths | undefined,
): Promise<{ readonly help: string; readonly paths: readonly InspectedPath[] }> {
  try {
    const args = { storageId: 0, request: requestToWire(HELP) }
    const reply = await process.channel.unary(BackendService.handleRequest, args, { metadata, timeoutMs: STEP_MS })
    return pathsOfHelp(replyFromWire(reply).response?.data ?? 'null', special?.unauthenticated ?? [])
  } catch {
    return { help: '', paths: [] }
  }
}

const HELP: BackendRequest = Object.freeze({
  id: UUID,
  operation: 'help',
  path: '',
  data: '{"requestResponsePrefix":"plugin"}',
  clientToken: '',
  clientTokenAccessor: '',
  displayName: '',
  mountPoint: 'inspection/',
  mountType: 'inspection',
  mountAccessor: 'inspection_00000000',
  entityId: '',
  unauthenticated: false,
  remoteAddress: '',
  wrapTtlMs: 0,
})

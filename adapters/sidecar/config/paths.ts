import { resolve } from 'node:path'
import type { DeviceConfig, ListenerConfig, SidecarConfig } from './config.ts'

/** `config` with every path made absolute, from `folder` on. */
export function resolvePaths(config: SidecarConfig, folder: string): SidecarConfig {
  const { server, auth, policies, audit, listeners, tokens } = config
  const files = <T extends object>(part: T): T => withFiles(part, folder)
  const auths = Object.entries(auth).map(([method, options]) => [method, files(options as object)])
  return {
    ...config,
    server: { ...server, ...(server.tls === undefined ? {} : { tls: files(server.tls) }) },
    auth: Object.fromEntries(auths),
    policies: { ...policies, folder: resolve(folder, policies.folder) },
    audit: { ...files(audit), devices: audit.devices.map((device) => deviceIn(device, folder)) },
    listeners: listeners.map((listener) => listenerIn(listener, folder)),
    ...(tokens === undefined ? {} : { tokens: { file: resolve(folder, tokens.file) } }),
  }
}

function deviceIn(device: DeviceConfig, folder: string): DeviceConfig {
  return device.file === undefined ? device : { ...device, file: resolve(folder, device.file) }
}

function listenerIn(listener: ListenerConfig, folder: string): ListenerConfig {
  const { unix, tls } = listener
  return {
    ...listener,
    ...(unix === undefined ? {} : { unix: resolve(folder, unix) }),
    ...(tls === undefined ? {} : { tls: withFiles(tls, folder) }),
  }
}

/** Options whose names end in `File` name files. */
function withFiles<T extends object>(part: T, folder: string): T {
  const entries = Object.entries(part).map(([name, value]) => [
    name,
    name.endsWith('File') && typeof value === 'string' ? resolve(folder, value) : value,
  ])
  return Object.fromEntries(entries) as T
}

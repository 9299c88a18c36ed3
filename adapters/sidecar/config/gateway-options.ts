import {
  type AuditDeviceOptions,
  type AuthMethod,
  appRole,
  callback,
  cert,
  file,
  type GatewayOptions,
  jwt,
  kubernetes,
  ldap,
  token,
  userpass,
} from 'portcullis'
import type { AuthConfig, DeviceConfig, SidecarConfig } from './config.ts'

/** The gateway behind a sidecar of `config`. @throws {TypeError|RangeError} for options that the gateway refuses. */
export function gatewayOptions(config: SidecarConfig): GatewayOptions {
  const { server, policies, audit } = config
  return {
    // Answers go on as they came. A proxy that the environment names would see the token.
    server: { ...server, keepBodies: true, proxy: false },
    auth: authOf(config.auth),
    policies: policies.folder,
    watchPolicies: policies.watch ?? false,
    independentCallers: true,
    audit: {
      devices: audit.devices.map(deviceOf),
      ...(audit.keyFile === undefined ? {} : { keyFile: audit.keyFile }),
    },
  }
}

function authOf(auth: AuthConfig): AuthMethod {
  if (auth.token !== undefined) return token(auth.token)
  if (auth.appRole !== undefined) return appRole(auth.appRole)
  if (auth.kubernetes !== undefined) return kubernetes(auth.kubernetes)
  if (auth.jwt !== undefined) return jwt(auth.jwt)
  if (auth.userpass !== undefined) return userpass(auth.userpass)
  if (auth.ldap !== undefined) return ldap(auth.ldap)
  return cert(auth.cert)
}

function deviceOf(device: DeviceConfig): AuditDeviceOptions {
  const { required = true } = device
  if (device.file !== undefined) return file(device.file, { required })
  const write = (entry: object): Promise<void> =>
    new Promise((resolve, reject) => {
      process.stdout.write(`${JSON.stringify(entry)}\n`, (error) => (error ? reject(error) : resolve()))
    })
  return callback('stdout', write, { required })
}

export type {
  AuthConfig,
  CertificateConfig,
  DeviceConfig,
  LimitsConfig,
  ListenerConfig,
  SidecarConfig,
} from './config/config.ts'
export type { ConfigFault } from './config/read-config.ts'
export { ConfigError, parseConfig, readConfig } from './config/read-config.ts'
export type { Sidecar, SidecarOptions } from './sidecar.ts'
export { SIDECAR_LIMITS, startSidecar } from './sidecar.ts'
export type { StoredToken } from './tokens/local-token.ts'
export { LOCAL_TOKEN_PREFIX, makeToken } from './tokens/local-token.ts'
export { changeTokens, readTokens, TokenFileError } from './tokens/token-file.ts'

export type { ErrorDetails } from './base.ts'
export { PortcullisError } from './base.ts'
export type { ErrorCode, ErrorCodeFacts, ErrorKind } from './codes.ts'
export { ERROR_CODES } from './codes.ts'
export type { AuditPhase, CodeOf, PluginErrorDetails, ServerErrorDetails } from './errors.ts'
export {
  AuditError,
  GatewayError,
  LeaseError,
  PluginError,
  PolicyDeniedError,
  PolicyLoadError,
  ServerError,
  SessionError,
  StorageError,
  WatchError,
} from './errors.ts'

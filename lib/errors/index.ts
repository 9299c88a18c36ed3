export type { ErrorDetails } from './base.ts'
export { PortcullisError } from './base.ts'
export type { ErrorCode, ErrorCodeFacts, ErrorKind } from './codes.ts'
export { ERROR_CODES } from './codes.ts'
export type { AuditPhase, CodeOf, ServerErrorDetails } from './errors.ts'
export {
  AuditError,
  GatewayError,
  LeaseError,
  PolicyDeniedError,
  PolicyLoadError,
  ServerError,
  SessionError,
} from './errors.ts'

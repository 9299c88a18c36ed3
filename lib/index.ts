export { callback } from './audit/function-device.ts'
export type {
  AuditPhase,
  CodeOf,
  ErrorCode,
  ErrorCodeFacts,
  ErrorDetails,
  ErrorKind,
  PluginErrorDetails,
  ServerErrorDetails,
} from './errors/index.ts'
export {
  AuditError,
  ERROR_CODES,
  GatewayError,
  LeaseError,
  PluginError,
  PolicyDeniedError,
  PolicyLoadError,
  PortcullisError,
  ServerError,
  SessionError,
  StorageError,
  WatchError,
} from './errors/index.ts'
export type { Drivers } from './gateway.ts'
export { createGateway } from './gateway.ts'
export type { Answer, IssuedToken, Wrapped } from './model/answer.ts'
export type {
  AuditDecision,
  AuditEntry,
  AuditEvent,
  AuditEventName,
  AuditGap,
  AuditRequest,
  AuditResponse,
  Source,
} from './model/audit-entry.ts'
export type { CallerAttributes, CallerValue, JudgedAttributes } from './model/caller.ts'
export type {
  CheckFactory,
  CheckRuntime,
  CompiledCheck,
  CompiledPolicies,
  PoliciesOption,
} from './model/compiled-policies.ts'
export type { Decision, DecisionReason } from './model/decision.ts'
export type { GatewayEvents } from './model/events.ts'
export type {
  CallOptions,
  DeviceHealth,
  EvictTarget,
  ExplainRequest,
  Explanation,
  Gateway,
  Health,
  HoldOptions,
  RuleNote,
  RuleResult,
  ScopeOptions,
  Shipping,
  UnboundPolicy,
} from './model/gateway.ts'
export type { JsonObject, JsonValue } from './model/json.ts'
export type { Lease, LeaseEnd, LeaseEvents, RotationHandler } from './model/lease.ts'
export type {
  DatabaseCredentials,
  DatabaseMount,
  IssuedCertificate,
  KvMetadata,
  KvMount,
  KvSecret,
  PkiMount,
  TransitMount,
} from './model/mounts.ts'
export type { Operation } from './model/operation.ts'
export type { PolicyChanges } from './model/policy-changes.ts'
export type { Capability, MissingCapability, MissingOwn, Preflight } from './model/preflight.ts'
export type { Query } from './model/request.ts'
export type { Sealed } from './model/sealed.ts'
export { seal, unseal } from './model/sealed.ts'
export type { RawBody, ServerAnswer, TokenGrant, WrapInfo } from './model/server-answer.ts'
export type { TokenDescription } from './model/token-description.ts'
export type { TypedGateway } from './model/typed-gateway.ts'
export type { Watch, WatchEvents, WatchOptions } from './model/watch.ts'
export type { ClearFields } from './options/audit.ts'
export type { DeviceOptions } from './options/device.ts'
export type { AuditOptions, CacheOptions, GatewayOptions, OwnAccessOptions } from './options/gateway.ts'
export type { ReadAfterWrite, ServerOptions } from './options/server.ts'
export type { TlsOptions } from './options/tls.ts'
export type { AuditDevice, AuditDeviceOptions, AuditRecord, DeviceSurroundings } from './ports/audit-device.ts'
export type { AuthMethod, Login, LoginContext, OwnCall, OwnExchange } from './ports/auth-method.ts'
export type { Transport, TransportEvent, TransportOptions, TransportRequest } from './ports/transport.ts'
export type { AppRoleOptions } from './session/auth/app-role.ts'
export { appRole } from './session/auth/app-role.ts'
export type { AwsOptions } from './session/auth/aws.ts'
export { aws } from './session/auth/aws.ts'
export type { AwsCredentialSource, AwsCredentials } from './session/auth/aws-credentials.ts'
export type { CertOptions } from './session/auth/cert.ts'
export { cert } from './session/auth/cert.ts'
export type { CustomLogin, CustomToken } from './session/auth/custom.ts'
export { custom } from './session/auth/custom.ts'
export type { JwtOptions } from './session/auth/jwt.ts'
export { jwt } from './session/auth/jwt.ts'
export type { KubernetesOptions } from './session/auth/kubernetes.ts'
export { kubernetes, SERVICE_ACCOUNT_FILE } from './session/auth/kubernetes.ts'
export { ldap } from './session/auth/ldap.ts'
export type { PasswordOptions } from './session/auth/password-login.ts'
export type { TokenOptions } from './session/auth/token.ts'
export { token } from './session/auth/token.ts'
export { userpass } from './session/auth/userpass.ts'
export { file } from './system/audit-file.ts'
export { stream } from './system/audit-stream.ts'
export type { SyslogOptions } from './system/audit-syslog.ts'
export { syslog } from './system/audit-syslog.ts'
export type { OtelOptions } from './telemetry/audit-otel.ts'
export { otel } from './telemetry/audit-otel.ts'
export { spool } from './telemetry/audit-spool.ts'
export type { EmittedRecord, Emitter } from './telemetry/emitter.ts'
export type { ExportReceipt, LogExporter } from './telemetry/log-exporter.ts'
export type { SpoolOptions } from './telemetry/spool-options.ts'
export type { RecordResource, SpooledRecord } from './telemetry/spooled-record.ts'

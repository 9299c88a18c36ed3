import type {
  AuditEntry,
  AuditGap,
  AuditRecord,
  CodeOf,
  callback,
  DeviceHealth,
  DeviceOptions,
  ExplainRequest,
  Health,
  Login,
  LoginContext,
  Operation,
  OtelOptions,
  OwnExchange,
  otel,
  PolicyLoadError,
  Query,
  RawBody,
  ReadAfterWrite,
  Sealed,
  ServerAnswer,
  ServerError,
  ServerErrorDetails,
  ServerOptions,
  TlsOptions,
  TokenGrant,
  TransportRequest,
  WrapInfo,
} from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

/** What signatures of the surface speak of can be named by those who call them. Only compiled. */
export function nameable(): void {
  expectTypes<
    [
      Equal<AuditRecord['entry'], AuditEntry | AuditGap>,
      Equal<Health['audit'], readonly DeviceHealth[]>,
      Equal<ExplainRequest['operation'], Operation>,
      Equal<TransportRequest['query'], Query>,
      Equal<TransportRequest['token'], Sealed<string> | undefined>,
      Equal<LoginContext['send'], OwnExchange>,
      Equal<Awaited<ReturnType<OwnExchange>>, ServerAnswer>,
      Equal<Login['grant'], TokenGrant>,
      Equal<ServerAnswer['wrapInfo'], WrapInfo | undefined>,
      Equal<ServerAnswer['raw'], RawBody | undefined>,
      Equal<NonNullable<ServerOptions['tls']>, TlsOptions>,
      Equal<NonNullable<ServerOptions['readAfterWrite']>, ReadAfterWrite>,
      Equal<NonNullable<Parameters<typeof otel>[0]>, OtelOptions>,
      Equal<NonNullable<Parameters<typeof callback>[2]>, DeviceOptions>,
      Equal<ConstructorParameters<typeof ServerError>[2], ServerErrorDetails>,
      Equal<CodeOf<'PolicyLoadError'>, PolicyLoadError['code'] & 'ERR_PORTCULLIS_POLICY_INVALID'>,
    ]
  >()
}

import {
  AuditError,
  type AuditPhase,
  type CodeOf,
  type Decision,
  type ERROR_CODES,
  type ErrorCode,
  GatewayError,
  LeaseError,
  PolicyDeniedError,
  type PolicyLoadError,
  type PortcullisError,
  ServerError,
  SessionError,
} from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

type Takes<C extends abstract new (...args: never) => unknown> = ConstructorParameters<C>[0]

/** Each class takes its own codes and no other. Only compiled. */
export function codes(): void {
  expectTypes<
    [
      Equal<PortcullisError['code'], ErrorCode>,
      Equal<ErrorCode, keyof typeof ERROR_CODES>,
      Equal<Takes<typeof PolicyDeniedError>, CodeOf<'PolicyDeniedError'>>,
      Equal<Takes<typeof AuditError>, CodeOf<'AuditError'>>,
      Equal<Takes<typeof SessionError>, CodeOf<'SessionError'>>,
      Equal<Takes<typeof LeaseError>, CodeOf<'LeaseError'>>,
      Equal<Takes<typeof ServerError>, CodeOf<'ServerError'>>,
      Equal<Takes<typeof GatewayError>, 'ERR_PORTCULLIS_GATEWAY_CLOSED' | 'ERR_PORTCULLIS_GATEWAY_CAPACITY'>,
      Equal<CodeOf<'PolicyLoadError'>, 'ERR_PORTCULLIS_POLICY_INVALID'>,
      Equal<Takes<typeof PolicyLoadError>, string>,
    ]
  >()
  // @ts-expect-error: a code of another class
  new LeaseError('ERR_PORTCULLIS_SERVER_SEALED', 'x')
  // @ts-expect-error: no code at all
  new GatewayError('ERR_PORTCULLIS_GATEWAY_BUSY', 'x')
  // @ts-expect-error: where the exchange went is part of it
  new ServerError('ERR_PORTCULLIS_SERVER_SEALED', 'x')
  // @ts-expect-error: and so is the decision
  new PolicyDeniedError('ERR_PORTCULLIS_POLICY_DENIED', 'x', {})
  // @ts-expect-error: and the method
  new SessionError('ERR_PORTCULLIS_SESSION_LOGIN', 'x', { cause: new Error('y') })
  // @ts-expect-error: there are three phases
  new AuditError('ERR_PORTCULLIS_AUDIT_FULL', 'x', { device: 'file', phase: 'later' })
}

/** `instanceof` tells the fields of an error. */
export function narrowed(error: unknown): void {
  if (error instanceof PolicyDeniedError) expectTypes<[Equal<typeof error.decision, Decision>]>()
  if (error instanceof AuditError) expectTypes<[Equal<typeof error.phase, AuditPhase>]>()
  if (error instanceof ServerError) {
    expectTypes<
      [
        Equal<typeof error.retryAfterMs, number | undefined>,
        Equal<ReturnType<typeof error.serverErrors>, readonly string[]>,
      ]
    >()
  }
}

/** A code can be matched to the last one, and a word that is no code is caught. */
export function matched(error: PortcullisError): boolean {
  // @ts-expect-error: misspelt
  if (error.code === 'ERR_PORTCULLIS_SERVER_SEAL') return false
  if (error.code === 'ERR_PORTCULLIS_SERVER_SEALED') return error.temporary
  // @ts-expect-error: a code does not change
  error.code = 'ERR_PORTCULLIS_SERVER_DNS'
  return false
}

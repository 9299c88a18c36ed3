import * as errors from '../../lib/errors/index.ts'
import type { Decision } from '../../lib/model/decision.ts'

/** The error classes of one copy of the module. */
export type Classes = Pick<typeof errors, errors.ErrorKind | 'PortcullisError'>

/** Those of the copy that the tests import. */
export const OURS: Classes = errors

/** A refusal, as a decision. */
export const DENIED: Decision = {
  effect: 'deny',
  reason: 'no-rule',
  policy: undefined,
  rule: undefined,
  message: 'no rule matches',
}

/** One error of each class, made by `classes`, which may be another copy of the module. */
export function samples(classes: Classes = OURS): Readonly<Record<errors.ErrorKind, errors.PortcullisError>> {
  return {
    PolicyDeniedError: new classes.PolicyDeniedError('ERR_PORTCULLIS_POLICY_DENIED', 'denied', { decision: DENIED }),
    PolicyLoadError: new classes.PolicyLoadError('bad', { file: 'a.json', pointer: '/rules/0' }),
    AuditError: new classes.AuditError('ERR_PORTCULLIS_AUDIT_FULL', 'full', { device: 'file', phase: 'request' }),
    SessionError: new classes.SessionError('ERR_PORTCULLIS_SESSION_LOGIN', 'refused', { method: 'approle' }),
    LeaseError: new classes.LeaseError('ERR_PORTCULLIS_LEASE_EXPIRED', 'ended'),
    ServerError: new classes.ServerError('ERR_PORTCULLIS_SERVER_SEALED', 'sealed', { operation: 'read', path: 'kv/a' }),
    GatewayError: new classes.GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'closed'),
    PluginError: new classes.PluginError('ERR_PORTCULLIS_PLUGIN_CRASHED', 'crashed', { plugin: 'kv', mount: 'kv/' }),
    StorageError: new classes.StorageError('ERR_PORTCULLIS_STORAGE_CORRUPT', 'damaged'),
    WatchError: new classes.WatchError('ERR_PORTCULLIS_WATCH_CLOSED', 'closed'),
  }
}

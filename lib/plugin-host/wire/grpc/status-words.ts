import type { GrpcStatusError } from './status.ts'

/** As Go's library names them. */
const CODES: readonly string[] = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
]

/** A status as Go's library words it, which is what callers of the field's servers read: `rpc error: code = Internal desc = …`. */
export function statusWords({ code, message }: GrpcStatusError): string {
  return `rpc error: code = ${CODES[code] ?? `Code(${code})`} desc = ${message}`
}

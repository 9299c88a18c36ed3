import type { BackendError } from '../../model/backend.ts'
import type { ProtoError } from './gen/backend.ts'

/** Kinds by their number on the wire, and the text that some of them always have. */
const KINDS: readonly (readonly [kind: BackendError['kind'], text?: string])[] = [
  ['other'],
  ['user'],
  ['internal'],
  ['coded'],
  ['bad-request'],
  ['unsupported-operation', 'unsupported operation'],
  ['unsupported-path', 'unsupported path'],
  ['invalid-request', 'invalid request'],
  ['permission-denied', 'permission denied'],
  ['needs-approval', 'request needs further approval'],
  ['unrecoverable', 'unrecoverable error'],
]

export function errorToWire(error: BackendError): ProtoError {
  const errType = KINDS.findIndex(([kind]) => kind === error.kind)
  return {
    errType,
    errMsg: KINDS[errType]?.[1] ?? error.message,
    errCode: error.kind === 'coded' ? BigInt(httpStatus(error.status)) : 0n,
  }
}

/** A kind that we do not know is `other`. */
export function errorFromWire({ errType, errMsg, errCode }: ProtoError): BackendError {
  const [kind, text] = KINDS[errType] ?? ['other']
  return { kind, message: text ?? errMsg, status: kind === 'coded' ? httpStatus(Number(errCode)) : 0 }
}

/** 500 for what is no HTTP status of a failure. */
function httpStatus(status: number): number {
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500
}

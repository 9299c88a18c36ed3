import { Buffer } from 'node:buffer'
import { ServerError } from '../../errors/index.ts'
import { type Asked, refused } from '../../errors/refused.ts'
import { answerOf, bodyOf, EMPTY_ANSWER, isAnswer, textsOf } from '../../model/envelope.ts'
import { freezeDeep, type JsonObject } from '../../model/json.ts'
import type { ServerAnswer } from '../../model/server-answer.ts'
import { secondsOf } from './duration.ts'
import type { Outcome } from './outcome.ts'

/** An outcome as the wire has it: what is wrapped, and what logins are read from. */
export function envelopeOf(outcome: Outcome, requestId: string): JsonObject {
  const { data, warnings = [], lease, auth, raw } = outcome
  return {
    request_id: requestId,
    lease_id: lease?.id ?? '',
    renewable: lease?.renewable ?? false,
    lease_duration: secondsOf(lease?.ttlMs ?? 0),
    data: (raw === undefined ? data : rawFields(raw)) ?? null,
    wrap_info: null,
    warnings: warnings.length === 0 ? null : warnings,
    auth: auth ?? null,
  }
}

/** A raw answer as fields, in which it is wrapped, and found again. */
function rawFields({ status, contentType, bytes }: NonNullable<Outcome['raw']>): JsonObject {
  return {
    http_content_type: contentType,
    http_raw_body: Buffer.from(bytes).toString('base64'),
    http_status_code: status,
  }
}

/** Is there anything in it that could be wrapped? */
export function isWrappable({ data, auth, raw, bare, wrapInfo, status }: Outcome): boolean {
  if (raw !== undefined) return true
  return (data !== undefined || auth !== undefined) && (status ?? 200) < 300 && !bare && !wrapInfo
}

/**
 * The answer that the gateway gets, as it would read it from a server.
 *
 * @throws {ServerError} for a raw answer of a status that is no success.
 */
export function answerFrom(outcome: Outcome, asked: Asked, requestId: string): ServerAnswer {
  const { data, warnings, lease, auth, raw, bare, envelope, wrapInfo, status } = outcome
  if (raw !== undefined) return rawAnswer(raw, asked)
  if (bare !== undefined) return { ...EMPTY_ANSWER, status: 200, data: freezeDeep(bare) }
  if (envelope !== undefined) return fromWire({ ...envelope, request_id: requestId }, asked)
  if (wrapInfo !== undefined) return fromWire({ ...envelopeOf({}, ''), wrap_info: wrapInfo }, asked)
  if (auth !== undefined) return fromWire(envelopeOf(outcome, requestId), asked)
  const hasWarnings = warnings !== undefined && warnings.length > 0
  if (data === undefined && lease === undefined && !hasWarnings && status === undefined)
    return { ...EMPTY_ANSWER, status: 204 }
  return {
    status: status ?? 200,
    requestId,
    leaseId: lease?.id ?? '',
    leaseDurationMs: secondsOf(lease?.ttlMs ?? 0) * 1000,
    renewable: lease?.renewable ?? false,
    data: data === undefined ? undefined : freezeDeep(data),
    warnings: hasWarnings ? warnings : EMPTY_ANSWER.warnings,
    wrapInfo: undefined,
    auth: undefined,
    raw: undefined,
    mountType: '',
  }
}

function fromWire(object: JsonObject, asked: Asked): ServerAnswer {
  const answer = answerOf(200, { kind: 'json', object: freezeDeep(object) }, Buffer.alloc(0))
  if (answer === undefined) throw badAnswer(asked, 200)
  return answer
}

function rawAnswer({ status, contentType, bytes }: NonNullable<Outcome['raw']>, asked: Asked): ServerAnswer {
  const body = bodyOf(contentType, bytes)
  if (!isAnswer(status, body)) {
    const object = body.kind === 'json' ? body.object : undefined
    throw refused(asked, { status, serverErrors: textsOf(object?.errors), body: object })
  }
  const answer = body.kind === 'bad' ? undefined : answerOf(status, body, bytes)
  if (answer === undefined) throw badAnswer(asked, status)
  return answer
}

function badAnswer({ operation, path }: Asked, status: number): ServerError {
  const message = `${operation} ${path}: the plugin answered ${status}, but with a body that is not what it claims`
  return new ServerError('ERR_PORTCULLIS_SERVER_BAD_ANSWER', message, {
    operation,
    path,
    status,
    mayHaveHappened: true,
  })
}

import type { BackendReply, BackendResponse, Existence, SpecialPaths } from '../../model/backend.ts'
import { errorFromWire, errorToWire } from './backend-error.ts'
import type { HandleExistenceCheckReply, HandleRequestReply, Paths, Response } from './gen/backend.ts'
import { headersFromWire, headersToWire } from './headers.ts'
import { authFromWire, authToWire, secretFromWire, secretToWire } from './lease.ts'
import { jsonText, momentToWire, msFromWire, msToWire } from './units.ts'

/** What a backend answers. */
export function replyToWire({ response, error }: BackendReply): HandleRequestReply {
  return {
    response: response === undefined ? undefined : responseToWire(response),
    err: error === undefined ? undefined : errorToWire(error),
    walIndex: undefined,
  }
}

export function replyFromWire({ response, err }: HandleRequestReply): BackendReply {
  return {
    ...(response === undefined ? {} : { response: responseFromWire(response) }),
    ...(err === undefined ? {} : { error: errorFromWire(err) }),
  }
}

function responseToWire(response: BackendResponse): Response {
  const { secret, auth, wrapTtlMs } = response
  return {
    secret: secret === undefined ? undefined : secretToWire(secret),
    auth: auth === undefined ? undefined : authToWire(auth),
    data: jsonText(response.data),
    redirect: response.redirect,
    warnings: [...response.warnings],
    wrapInfo: wrapTtlMs > 0 ? wrapAsked(wrapTtlMs) : undefined,
    headers: headersToWire(response.headers),
    mountType: '',
  }
}

function wrapAsked(ttlMs: number): NonNullable<Response['wrapInfo']> {
  return {
    TTL: msToWire(ttlMs),
    token: '',
    accessor: '',
    creationTime: momentToWire(undefined),
    wrappedAccessor: '',
    wrappedEntityId: '',
    format: '',
    creationPath: '',
    sealWrap: false,
  }
}

/** Of a wrapping only the time counts: token and accessor are the host's to make. */
function responseFromWire(response: Response): BackendResponse {
  return {
    ...(response.secret === undefined ? {} : { secret: secretFromWire(response.secret) }),
    ...(response.auth === undefined ? {} : { auth: authFromWire(response.auth) }),
    data: jsonText(response.data),
    redirect: response.redirect,
    warnings: response.warnings,
    wrapTtlMs: Math.max(0, msFromWire(response.wrapInfo?.TTL ?? 0n)),
    headers: headersFromWire(response.headers),
  }
}

export function existenceToWire({ checked, exists, error }: Existence): HandleExistenceCheckReply {
  return { checkFound: checked, exists, err: error === undefined ? undefined : errorToWire(error) }
}

export function existenceFromWire({ checkFound, exists, err }: HandleExistenceCheckReply): Existence {
  return { checked: checkFound, exists, ...(err === undefined ? {} : { error: errorFromWire(err) }) }
}

export function specialPathsToWire(paths: SpecialPaths): Paths {
  return {
    root: [...paths.root],
    unauthenticated: [...paths.unauthenticated],
    localStorage: [...paths.localStorage],
    sealWrapStorage: [...paths.sealWrapStorage],
    writeForwardedStorage: [],
    binary: [],
    limited: [],
    allowSnapshotRead: [],
  }
}

/** None at all is legal. */
export function specialPathsFromWire(paths: Paths | undefined): SpecialPaths {
  return {
    root: paths?.root ?? [],
    unauthenticated: paths?.unauthenticated ?? [],
    localStorage: paths?.localStorage ?? [],
    sealWrapStorage: paths?.sealWrapStorage ?? [],
  }
}

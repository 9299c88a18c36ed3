import type {
  Backend,
  BackendOperation,
  BackendReply,
  BackendRequest,
  BackendSecret,
} from '../../../lib/model/backend.ts'

/** What a server would say over HTTP, without what differs from run to run. */
export interface Served {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into it.
  readonly data: any
  readonly warnings: readonly string[] | null
  readonly errors: readonly string[] | undefined
  readonly lease: { readonly renewable: boolean } | undefined
}

/** An engine as its callers see it: the rules of the router that matter here, and leases in a map. */
export interface Mounted {
  call(method: string, path: string, body?: object): Promise<Served>
  /** Of the last lease. */
  secret(): BackendSecret
  renew(secret: BackendSecret, incrementS?: number): Promise<Served>
  revoke(secret: BackendSecret): Promise<Served>
}

const TIMEOUT_MS = 60_000

export const REQUEST: BackendRequest = {
  id: '1',
  operation: 'read',
  path: '',
  data: 'null',
  clientToken: '',
  clientTokenAccessor: '',
  displayName: 'token',
  mountPoint: 'database/',
  mountType: 'database',
  mountAccessor: 'database_1',
  entityId: '',
  unauthenticated: false,
  remoteAddress: '',
  wrapTtlMs: 0,
}

export function mounted(backend: Backend, wallTime: () => number): Mounted {
  let last: BackendSecret | undefined
  const send = (request: Partial<BackendRequest>): Promise<BackendReply> =>
    backend.handle({ ...REQUEST, ...request }, { timeoutMs: TIMEOUT_MS })
  return {
    async call(method, path, body): Promise<Served> {
      const [bare = '', query = ''] = path.split('?')
      const fields = body ?? (query === '' ? undefined : Object.fromEntries(new URLSearchParams(query)))
      const isList = method === 'LIST'
      const operation = await operationOf(backend, method, bare)
      const reply = await send({
        operation,
        path: isList && !bare.endsWith('/') ? `${bare}/` : bare,
        data: fields === undefined ? 'null' : JSON.stringify(fields),
      })
      if (reply.response?.secret !== undefined) last = { ...reply.response.secret, issuedAtMs: wallTime() }
      return served(reply, operation)
    },
    secret(): BackendSecret {
      if (last === undefined) throw new Error('no lease yet')
      return last
    },
    async renew(secret, incrementS = 0): Promise<Served> {
      const reply = await send({
        operation: 'renew',
        path: 'creds/x',
        secret: { ...secret, incrementMs: incrementS * 1000 },
      })
      return ofLease(reply, 'renew')
    },
    async revoke(secret): Promise<Served> {
      return ofLease(await send({ operation: 'revoke', path: 'creds/x', secret }), 'revoke')
    },
  }
}

async function operationOf(backend: Backend, method: string, path: string): Promise<BackendOperation> {
  switch (method) {
    case 'GET':
      return 'read'
    case 'LIST':
      return 'list'
    case 'DELETE':
      return 'delete'
    case 'PATCH':
      return 'patch'
    default: {
      const { checked, exists } = await backend.exists(
        { ...REQUEST, operation: 'update', path },
        { timeoutMs: TIMEOUT_MS },
      )
      return checked && !exists ? 'create' : 'update'
    }
  }
}

const STATUS: Readonly<Record<string, number>> = { 'unsupported-operation': 405, 'unsupported-path': 404 }

function served({ response, error }: BackendReply, operation: BackendOperation): Served {
  const none = { data: null, warnings: null, lease: undefined }
  if (error !== undefined) {
    const errors = [`1 error occurred:\n\t* ${error.message}\n\n`]
    return { ...none, status: STATUS[error.kind] ?? 500, errors }
  }
  const isReading = operation === 'read' || operation === 'list'
  if (response === undefined) return { ...none, status: isReading ? 404 : 204, errors: isReading ? [] : undefined }
  const data = JSON.parse(response.data)
  if (data?.error !== undefined) return { ...none, status: 400, errors: [data.error] }
  const isEmpty = operation === 'list' && data?.keys === undefined && response.warnings.length === 0
  if (isEmpty) return { ...none, status: 404, errors: [] }
  const lease = response.secret === undefined ? undefined : { renewable: response.secret.renewable }
  return {
    status: 200,
    data,
    warnings: response.warnings.length === 0 ? null : response.warnings,
    errors: undefined,
    lease,
  }
}

function ofLease({ response, error }: BackendReply, what: 'renew' | 'revoke'): Served {
  const none = { data: null, warnings: null }
  if (error !== undefined) {
    const errors = [`failed to ${what} entry: resp: (*logical.Response)(nil) err: ${error.message}`]
    return { ...none, status: 400, errors, lease: undefined }
  }
  const lease = response?.secret === undefined ? undefined : { renewable: response.secret.renewable }
  return { ...none, status: what === 'renew' ? 200 : 204, errors: undefined, lease }
}

import type { Decision } from '../model/decision.ts'
import { isJsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Mounts } from './mounts.ts'

/**
 * For a write whose rule grants create and not update: the request that can only create, or a denial.
 *
 * Over HTTP only the server knows create from update. On KV v2 it can be held to create by `cas: 0`,
 * which is added, or demanded where the caller names another. Elsewhere the request goes as it is.
 */
export type CreateOnly = (request: GatewayRequest) => Promise<GatewayRequest | Decision>

export function createCreateOnly(mounts: Mounts): CreateOnly {
  return async (request) => {
    const mount = await mounts.of(request.namespace, request.path)
    if (mount.kvVersion !== 2 || !request.path.startsWith(`${mount.path}data/`)) return request
    const options = isJsonObject(request.data?.options) ? request.data.options : {}
    if (options.cas === 0) return request
    if (options.cas !== undefined) return DENIED
    const data = { ...request.data, options: { ...options, cas: 0 } }
    return Object.freeze({ ...request, data, body: JSON.stringify(data) })
  }
}

const DENIED: Decision = Object.freeze({
  effect: 'deny',
  reason: 'create-only',
  policy: undefined,
  rule: undefined,
  message: 'the rule grants create only, so options.cas must be 0 or absent',
  pointer: '/data/options/cas',
})

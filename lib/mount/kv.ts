import type { Answer } from '../model/answer.ts'
import type { CallOptions, Gateway } from '../model/gateway.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { KvMetadata, KvMount, KvSecret } from '../model/mounts.ts'

/** The calls that mount views are made of. */
export type Calls = Pick<Gateway, 'read' | 'list' | 'write' | 'patch' | 'delete'>

/** A view of the kv mount at `mount`. `version` finds out its version in a namespace (`undefined`: the default); asked at each call. */
export function createKv(
  calls: Calls,
  mount: string,
  version: (namespace: string | undefined) => Promise<1 | 2>,
): KvMount {
  const at = async (part: string, name: string, options?: CallOptions): Promise<string> =>
    (await version(options?.namespace)) === 2 ? `${mount}/${part}/${name}` : `${mount}/${name}`
  const onlyV2 = async (what: string, options?: CallOptions): Promise<void> => {
    if ((await version(options?.namespace)) !== 2) throw new TypeError(`${what} needs KV v2, and ${mount}/ is KV v1`)
  }
  const write = async (
    verb: 'write' | 'patch',
    name: string,
    value: JsonObject,
    options: KvWriteOptions,
  ): Promise<Answer> => {
    const { cas, ...rest } = options
    if ((await version(rest.namespace)) === 1) {
      if (cas !== undefined) await onlyV2('cas', rest)
      return calls.write(`${mount}/${name}`, value, rest)
    }
    const data = { data: value, ...(cas === undefined ? {} : { options: { cas } }) }
    return calls[verb](`${mount}/data/${name}`, data, rest)
  }
  return {
    version: () => version(undefined),
    async read<T>(name: string, options: KvReadOptions = {}): Promise<KvSecret<T>> {
      const { version: wanted, ...rest } = options
      if (wanted !== undefined) await onlyV2('version', rest)
      const query = wanted === undefined ? rest.query : { ...rest.query, version: wanted }
      const isV1 = (await version(rest.namespace)) === 1
      const path = isV1 ? `${mount}/${name}` : `${mount}/data/${name}`
      const answer = await calls.read(path, query === undefined ? rest : { ...rest, query })
      if (isV1) return { value: answer.data as T, metadata: undefined, answer }
      const value = answer.data.data
      return { value: isJsonObject(value) ? (value as T) : undefined, metadata: metadata(answer.data.metadata), answer }
    },
    write: (name, value, options = {}) => write('write', name, value, options),
    async patch(name, value, options = {}): Promise<Answer> {
      await onlyV2('patch', options)
      return write('patch', name, value, options)
    },
    async list(name = '', options = {}): Promise<readonly string[]> {
      const folder = name === '' || name.endsWith('/') ? name : `${name}/`
      const path = await at('metadata', folder, options)
      return (await calls.list(path, options)).data.keys
    },
    delete: async (name, options) => calls.delete(await at('data', name, options), options),
    async undelete(name, versions, options): Promise<Answer> {
      await onlyV2('undelete', options)
      return calls.write(`${mount}/undelete/${name}`, { versions }, options)
    },
    async destroy(name, versions, options): Promise<Answer> {
      await onlyV2('destroy', options)
      return calls.write(`${mount}/destroy/${name}`, { versions }, options)
    },
  }
}

type KvReadOptions = CallOptions & { readonly version?: number }
type KvWriteOptions = CallOptions & { readonly cas?: number }

function metadata(found: unknown): KvMetadata | undefined {
  if (!isJsonObject(found)) return undefined
  return {
    version: Number(found.version),
    createdTime: String(found.created_time ?? ''),
    deletionTime: String(found.deletion_time ?? ''),
    isDestroyed: found.destroyed === true,
  }
}

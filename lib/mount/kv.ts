import type { Answer } from '../model/answer.ts'
import type { CallOptions, Gateway } from '../model/gateway.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { KvMetadata, KvMount, KvSecret } from '../model/mounts.ts'

/** The calls that mount views are made of. */
export type Calls = Pick<Gateway, 'read' | 'list' | 'write' | 'patch' | 'delete'>

/** A view of the kv mount at `mount`. `versionOf` finds out the version; called when first needed, and kept. */
export function createKv(calls: Calls, mount: string, versionOf: () => Promise<1 | 2>): KvMount {
  let asked: Promise<1 | 2> | undefined
  const version = (): Promise<1 | 2> => {
    asked ??= versionOf().catch((error: unknown) => {
      asked = undefined
      throw error
    })
    return asked
  }
  const at = async (part: string, name: string): Promise<string> =>
    (await version()) === 2 ? `${mount}/${part}/${name}` : `${mount}/${name}`
  const onlyV2 = async (what: string): Promise<void> => {
    if ((await version()) !== 2) throw new TypeError(`${what} needs KV v2, and ${mount}/ is KV v1`)
  }
  const write = async (
    verb: 'write' | 'patch',
    name: string,
    value: JsonObject,
    options: KvWriteOptions,
  ): Promise<Answer> => {
    const { cas, ...rest } = options
    if ((await version()) === 1) {
      if (cas !== undefined) await onlyV2('cas')
      return calls.write(`${mount}/${name}`, value, rest)
    }
    const data = { data: value, ...(cas === undefined ? {} : { options: { cas } }) }
    return calls[verb](`${mount}/data/${name}`, data, rest)
  }
  return {
    version,
    async read<T>(name: string, options: KvReadOptions = {}): Promise<KvSecret<T>> {
      const { version: wanted, ...rest } = options
      if (wanted !== undefined) await onlyV2('version')
      const query = wanted === undefined ? rest.query : { ...rest.query, version: wanted }
      const answer = await calls.read(await at('data', name), query === undefined ? rest : { ...rest, query })
      if ((await version()) === 1) return { value: answer.data as T, metadata: undefined, answer }
      const value = answer.data.data
      return { value: isJsonObject(value) ? (value as T) : undefined, metadata: metadata(answer.data.metadata), answer }
    },
    write: (name, value, options = {}) => write('write', name, value, options),
    async patch(name, value, options = {}): Promise<Answer> {
      await onlyV2('patch')
      return write('patch', name, value, options)
    },
    async list(name = '', options = {}): Promise<readonly string[]> {
      const folder = name === '' || name.endsWith('/') ? name : `${name}/`
      const path = await at('metadata', folder)
      return (await calls.list(path, options)).data.keys
    },
    delete: async (name, options) => calls.delete(await at('data', name), options),
    async undelete(name, versions, options): Promise<Answer> {
      await onlyV2('undelete')
      return calls.write(`${mount}/undelete/${name}`, { versions }, options)
    },
    async destroy(name, versions, options): Promise<Answer> {
      await onlyV2('destroy')
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

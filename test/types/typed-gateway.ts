import type { Gateway, TypedGateway } from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

interface Endpoints {
  readonly 'kv/data/*': {
    readonly read: { readonly answer: { readonly data: Readonly<Record<string, string>> } }
    readonly write: { readonly request: { readonly data: object }; readonly answer: { readonly version: number } }
  }
  readonly 'transit/keys/+': { readonly read: { readonly answer: { readonly type: string } } }
  readonly 'transit/keys/+/rotate': {
    readonly write: { readonly request: { readonly seal?: boolean }; readonly answer: { readonly rotated: true } }
  }
  readonly 'transit/keys': { readonly list: { readonly answer: { readonly keys: readonly string[] } } }
}

/** A gateway is taken as a typed one, and its calls are typed by their paths. Only compiled. */
export async function typed(plain: Gateway, name: string): Promise<void> {
  const gateway: TypedGateway<Endpoints> = plain
  const kv = await gateway.read('kv/data/a/b')
  const key = await gateway.as({ user: 'u' }).read(`transit/keys/${name}`)
  const rotated = await gateway.write('transit/keys/a/rotate', { seal: true })
  const unknown = await gateway.read('other/thing')
  const { keys } = (await gateway.list('transit/keys')).data
  const held = (await gateway.lease('kv/data/a')).current()
  expectTypes<
    [
      Equal<typeof kv.data.data, Readonly<Record<string, string>>>,
      Equal<typeof key.data.type, string>,
      Equal<typeof rotated.data.rotated, true>,
      Equal<typeof keys, readonly string[]>,
      Equal<typeof held.data.data, Readonly<Record<string, string>>>,
    ]
  >()
  unknown.data.anything?.toString()
  // @ts-expect-error: not what is sent there
  await gateway.write('transit/keys/a/rotate', { seel: true })
  // @ts-expect-error: data is needed there
  await gateway.write('kv/data/a', {})
  // @ts-expect-error: no such field in the answer
  key.data.kind
}

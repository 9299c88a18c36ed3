import type { Answer, Gateway, JsonObject, Watch, WatchEvents, WatchOptions } from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

/** What a watch gives. Only compiled. */
export async function watches(gateway: Gateway, options: WatchOptions): Promise<void> {
  const plain = await gateway.watch('kv/data/flags')
  const typed = await gateway.watch<{ readonly data: { readonly dark: boolean } | null }>('kv/data/flags', options)
  const chained = plain.on('changed', ({ version, previousVersion }) => {
    expectTypes<[Equal<typeof version, number>, Equal<typeof previousVersion, number>]>()
  })
  expectTypes<
    [
      Equal<typeof plain, Watch<JsonObject>>,
      Equal<ReturnType<(typeof typed)['current']>, Answer<{ readonly data: { readonly dark: boolean } | null }>>,
      Equal<typeof chained, Watch<JsonObject>>,
      Equal<keyof WatchEvents, 'changed' | 'deleted' | 'refused' | 'failing'>,
      Equal<ReturnType<Watch['close']>, void>,
    ]
  >()
  // @ts-expect-error: no event carries a value
  plain.on('changed', ({ data }) => data)
  // @ts-expect-error: no such option
  void gateway.watch('kv/data/flags', { intervalMs: 1 })
  // @ts-expect-error: a version is read, not set
  plain.version = 2
}

import { systemClock } from '../../../system/clock.ts'
import { PluginRefusal } from '../../refusal.ts'
import { type Mount, type PerMount, perMount } from '../../request.ts'
import type { TransitKey } from './key.ts'
import { Keys } from './keys.ts'

/** The keys of a mount. */
export const keysOf: PerMount<Keys> = perMount((mount: Mount) => new Keys(mount.storage, () => systemClock.wallTime()))

const NAME = /^\w(?:[\w.-]*\w)?$/

/** Name of the key in the path. @throws {PluginRefusal} no key has such a name: there is no such path. */
export function nameIn({ params }: { readonly params: { readonly name: string } }): string {
  if (NAME.test(params.name) && params.name.length <= 256) return params.name
  throw new PluginRefusal('', 'unsupported-path')
}

type Named = { readonly mount: Mount; readonly params: { readonly name: string } }

/** The key in the path. @throws {PluginRefusal} saying `missing`, where there is none. */
export async function keyIn(request: Named, missing: string): Promise<TransitKey> {
  const key = await keysOf(request).get(nameIn(request))
  if (key === undefined) throw new PluginRefusal(missing)
  return key
}

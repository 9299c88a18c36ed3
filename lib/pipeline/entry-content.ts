import type { JsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'

/** What decides how much entries tell of a request. */
export type ContentRequest = Pick<GatewayRequest, 'operation' | 'namespace' | 'path'>

/** How much entries tell, beyond and short of the usual. */
export interface EntryContent {
  /** Fields of what is sent that are left in clear; `undefined` for none. */
  sent(request: ContentRequest): ReadonlySet<string> | undefined
  /** Fields of what is answered that are left in clear; `undefined` for none. */
  answered(request: ContentRequest): ReadonlySet<string> | undefined
  /** Are the lists of the answer to be counted instead of told? */
  elides(request: ContentRequest): boolean
  /** `path`, with HMACs in place of what is not to be told; `path` itself where all is. */
  path(path: string): string
}

/** The usual: everything in data is hashed, and paths are told. */
export const USUAL_CONTENT: EntryContent = Object.freeze({
  sent: () => undefined,
  answered: () => undefined,
  elides: () => false,
  path: (path: string) => path,
})

/** `data` of a list, with the number of its keys in their place; as the server's `elide_list_responses` does it. */
export function elided(data: JsonObject): JsonObject {
  const { keys, key_info: info } = data
  return {
    ...data,
    ...(Array.isArray(keys) ? { keys: keys.length } : {}),
    ...(typeof info === 'object' && info !== null ? { key_info: Object.keys(info).length } : {}),
  }
}

import { createHash } from 'node:crypto'
import type { CallerAttributes, Gateway } from 'portcullis'
import { Refused } from './request/refused.ts'
import { isLocalToken } from './tokens/local-token.ts'
import type { LocalTokens } from './tokens/token-store.ts'

/** Who is at the other end of a connection, as far as the connection tells. */
export interface Peer {
  /** The caller of the client certificate that was shown and verified. */
  readonly certificate: CallerAttributes | undefined
}

/** Who asks. */
export interface RequestCaller {
  readonly gateway: Gateway
  /** Its requests are sent with a token of its own, not with the sidecar's. */
  readonly hasOwnToken: boolean
  /** May send a token of its own, and has none: of the sidecar's it gets nothing. */
  readonly isNobody: boolean
}

/** Finds the callers of one listener. */
export interface Callers {
  /** @param token - As the client sent it. @throws {Refused} 403: nobody known. */
  of(peer: Peer, token: string | undefined): Promise<RequestCaller>
}

export interface CallersDeps {
  readonly gateway: Gateway
  readonly tokens: LocalTokens | undefined
  /** Of the listener: whoever reaches it. */
  readonly caller: CallerAttributes | undefined
  readonly passThrough: boolean
}

/** Scopes that are kept at once, by caller. */
const MAX_KEPT = 10_000

export function createCallers({ gateway, tokens, caller, passThrough }: CallersDeps): Callers {
  const kept = new Map<string, Gateway>()
  const scope = (attributes: CallerAttributes, token?: string): Gateway => {
    // Tokens are secrets, and stand in no key.
    const key = `${token === undefined ? '' : sha256(token)} ${JSON.stringify(attributes)}`
    let found = kept.get(key)
    if (found === undefined) {
      found = gateway.as(attributes, token === undefined ? {} : { token })
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(key, found)
    }
    return found
  }
  return {
    async of(peer, token) {
      if (token !== undefined && isLocalToken(token)) {
        const attributes = await tokens?.callerOf(token)
        if (attributes === undefined) throw new Refused(403, 'the local token is not known, or has expired')
        return { gateway: scope(attributes), hasOwnToken: false, isNobody: false }
      }
      const known = peer.certificate ?? caller
      if (passThrough) {
        return { gateway: scope(known ?? {}, token), hasOwnToken: token !== undefined, isNobody: token === undefined }
      }
      if (token !== undefined)
        throw new Refused(
          403,
          "this listener takes no tokens of the server: leave yours out, or send the sidecar's own",
        )
      if (known === undefined) throw new Refused(403, 'no caller is known for this connection: send a local token')
      return { gateway: scope(known), hasOwnToken: false, isNobody: false }
    },
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

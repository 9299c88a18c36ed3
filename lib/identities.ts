import type { Hasher } from './audit/hasher.ts'
import { BoundedMap } from './model/bounded-map.ts'
import type { Caller } from './model/caller.ts'
import { type Sealed, seal } from './model/sealed.ts'
import type { TokenDescription } from './model/token-description.ts'
import { holderBelow } from './options/caller.ts'
import type { Identity } from './pipeline/call.ts'
import type { Who } from './pipeline/pipeline.ts'
import type { Transport } from './ports/transport.ts'
import type { Session } from './session/session.ts'

/** The tokens that callers hand over, and who holds them. */
export interface Identities {
  /** The identity behind `token`; one session a token, however often it is asked for: each would look its token up. */
  of(token: string, caller: Caller): Identity
  /** `who`, with the attribute `token` where the endpoint knows the holder. Never rejects. */
  known(who: Who): Who | Promise<Who>
  /** The same, as far as it was found out already. */
  peek(who: Who): Who
}

export interface IdentitiesDeps {
  readonly hasher: Hasher
  readonly transport: Transport
  sessionOf(token: string): Session
}

/** Tokens of callers that are kept in mind at once. */
const IDENTITIES = 10_000

/** What was found out of a holder: kept for the life of the identity. */
interface Holder {
  readonly token: Sealed<string>
  description: TokenDescription | undefined
  asking: Promise<void> | undefined
  /** One object for each caller: what policies work out for it is kept beside it. */
  readonly described: WeakMap<Caller, Who>
}

export function createIdentities({ hasher, transport, sessionOf }: IdentitiesDeps): Identities {
  const identities = new BoundedMap<Identity>(IDENTITIES)
  const holders = new WeakMap<Identity, Holder>()
  const bearers = new WeakSet<Caller>()
  const describe = transport.describe?.bind(transport)
  const peek = (who: Who): Who => {
    const holder = holders.get(who.identity)
    return holder?.description === undefined ? who : describedWho(who, holder, holder.description, bearers)
  }
  return {
    of(token, caller): Identity {
      bearers.add(caller)
      const id = hasher.value(token)
      let identity = identities.get(id)
      if (identity === undefined) {
        identity = { id, session: sessionOf(token) }
        identities.set(id, identity)
        const found = { description: undefined, asking: undefined, described: new WeakMap() }
        if (describe !== undefined) holders.set(identity, { ...found, token: seal(token) })
      }
      return identity
    },
    peek,
    known(who): Who | Promise<Who> {
      if (describe === undefined || who.identity.id === '') return who
      const holder = holders.get(who.identity)
      if (holder === undefined) return who
      if (holder.description !== undefined) return peek(who)
      holder.asking ??= ask(holder, describe)
      return holder.asking.then(() => peek(who))
    },
  }
}

/** Whom the endpoint does not know is asked after anew with the next call; without the attribute, policies that need it do not bind. */
async function ask(holder: Holder, describe: NonNullable<Transport['describe']>): Promise<void> {
  try {
    holder.description = await describe(holder.token)
  } catch {
    // Not known, then.
  } finally {
    holder.asking = undefined
  }
}

function describedWho(who: Who, holder: Holder, description: TokenDescription, bearers: WeakSet<Caller>): Who {
  let known = holder.described.get(who.caller)
  if (known === undefined) {
    const caller = holderBelow(who.caller, description, (link) => bearers.has(link))
    known = { caller, identity: who.identity }
    holder.described.set(who.caller, known)
  }
  return known
}

import type { TestContext } from 'node:test'
import { ServerError } from '../../../lib/errors/index.ts'
import type { Operation } from '../../../lib/model/operation.ts'
import { type Sealed, seal, unseal } from '../../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../../lib/model/server-answer.ts'
import { createPluginHost, type HostDrivers, type PluginHost } from '../../../lib/plugin-host/host.ts'
import type { PluginHostOptions } from '../../../lib/plugin-host/options.ts'
import type { HostEvent } from '../../../lib/plugin-host/router/events.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { AuthMethod, LoginContext } from '../../../lib/ports/auth-method.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { type Script, ScriptedPlugins } from './scripted-plugins.ts'

/** What a request may carry. */
export interface AskOptions {
  /** Default: the gateway's. */
  readonly token?: Sealed<string> | 'none'
  readonly data?: object
  readonly query?: Readonly<Record<string, string>>
  readonly wrapTtlMs?: number
}

/** A host over scripted plugins, hours of which pass at once. */
export interface World {
  readonly clock: FakeClock
  readonly store: ReturnType<typeof memory>
  readonly plugins: ScriptedPlugins
  readonly events: HostEvent[]
  host: PluginHost
  /** Tokens of the gateway and of the operator. */
  gateway: Sealed<string>
  operator: Sealed<string>
  /** As the gateway unless told otherwise. */
  ask(operation: Operation, path: string, options?: AskOptions): Promise<ServerAnswer>
  /** `status: words` of what is refused. */
  refusal(operation: Operation, path: string, options?: AskOptions): Promise<string>
  /** The host ends and starts anew on the same storage; `offMs` pass between. */
  restart(offMs?: number): Promise<void>
}

export const SHA: string = 'ab'.repeat(32)

export async function world(
  t: TestContext,
  scripts: Readonly<Record<string, Script>>,
  options: Partial<PluginHostOptions> = {},
  drivers: Partial<HostDrivers> & { readonly wrapStore?: (store: Store) => Store } = {},
): Promise<World> {
  const clock = new FakeClock()
  const store = memory()
  const events: HostEvent[] = []
  const plugins = new ScriptedPlugins(scripts)
  const { wrapStore = (given: Store) => given, ...others } = drivers
  const start = (): Promise<PluginHost> =>
    createPluginHost(
      {
        storage: wrapStore(store),
        periodic: false,
        onEvent: (event) => void events.push(event),
        plugins: Object.entries(scripts).map(([name, script]) => ({
          ...{ name, type: script.type ?? 'secret', command: `/plugins/${name}`, sha256: SHA },
        })),
        ...options,
      },
      { clock, random: systemRandom, plugins, builtins: [], ...others },
    )
  const host = await start()
  const it: World = {
    ...{ clock, store, plugins, events, host },
    gateway: await tokenOf(host.auth()),
    operator: await tokenOf(host.operatorAuth()),
    ask: (operation, path, { token = it.gateway, data, query = {}, wrapTtlMs = 0 } = {}) =>
      it.host.send(
        {
          ...{ operation, namespace: '', path, query, wrapTtlMs, requestId: 'r', repeatable: false },
          body: data === undefined ? undefined : JSON.stringify(data),
          token: token === 'none' ? undefined : token,
        },
        { timeoutMs: 1000 },
      ),
    async refusal(operation, path, asked) {
      try {
        const { status } = await it.ask(operation, path, asked)
        return `${status}, not refused`
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        return `${error.status}: ${error.serverErrors().join('|')}`
      }
    },
    async restart(offMs = 0) {
      await it.host.close()
      await store.open()
      clock.freeze(offMs)
      clock.jumpWall(offMs)
      it.host = await start()
    },
  }
  t.after(() => it.host.close())
  return it
}

export async function tokenOf(auth: AuthMethod): Promise<Sealed<string>> {
  const { grant } = await auth.login({} as LoginContext)
  return grant.token
}

/** A token in clear, sealed anew as a gateway would that got it from its caller. */
export function again(token: Sealed<string>): Sealed<string> {
  return seal(unseal(token))
}

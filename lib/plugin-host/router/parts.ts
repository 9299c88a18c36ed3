import type { TokenDescription } from '../../model/token-description.ts'
import type { PluginHostConfig } from '../options.ts'
import type { Plugins } from '../process/plugins.ts'
import { capabilitiesOn } from './access.ts'
import { Backends } from './backends.ts'
import { type Builtin, builtinEntry } from './builtins.ts'
import { openCatalog } from './catalog.ts'
import { clearMount } from './clear-mount.ts'
import type { Context } from './context.ts'
import { createOperator } from './create-operator.ts'
import { createEngines, ENGINE_BUILTINS } from './engines.ts'
import { Entities } from './entities.ts'
import { codeOf } from './events.ts'
import { createGuardKey } from './exposure.ts'
import { Leases } from './leases.ts'
import { createLogIn } from './logins.ts'
import { MountTable } from './mount-table.ts'
import { Mounts } from './mounts.ts'
import type { Operator } from './operator.ts'
import { createCatalogHandler } from './own/catalog.ts'
import { createCubbyholeHandler } from './own/cubbyhole.ts'
import { createLeaseHandler } from './own/leases.ts'
import { createMountHandler, createReloadHandler, createRemountHandler, createUiMountsHandler } from './own/mounts.ts'
import { createOwn, type OwnHandlers } from './own/own.ts'
import { createPasswordPolicyHandler } from './own/password-policies.ts'
import { createCapabilitiesHandler, createStateHandler } from './own/state.ts'
import { createTokenHandler } from './own/token.ts'
import { createWrappingHandler } from './own/wrapping.ts'
import { createOwnRequests } from './own-requests.ts'
import { PasswordPolicies } from './password-policies.ts'
import { createPeriodic } from './periodic.ts'
import { createRegister } from './register.ts'
import { createHandle } from './requests.ts'
import { Router } from './router.ts'
import type { Token } from './token.ts'
import { openTokens, type Tokens } from './tokens.ts'
import { within } from './within.ts'
import { Wrapping } from './wrapping.ts'

/** What runs plugins, and which come with the package. */
export interface PluginParts {
  readonly plugins: Plugins
  readonly builtins: readonly Builtin[]
}

/** The parts of a host, joined. */
export interface Parts {
  readonly router: Router
  readonly operator: Operator
  readonly tokens: Tokens
  readonly leases: Leases
  readonly table: MountTable
  /** Who holds a token; from then on it may use mounts. `undefined` for tokens of gateways and operators. */
  described(token: Token): TokenDescription | undefined
  /** Ends what was left half done, and begins with what is done by itself. */
  start(): Promise<void>
  stop(): void
  /** Ends what runs behind the mounts. */
  close(): Promise<void>
}

/** Reads what is stored, and joins everything. */
export async function openParts(context: Context, config: PluginHostConfig, given: PluginParts): Promise<Parts> {
  const { documents, store, clock, random, tell } = context
  const { plugins } = given
  const clusterId = await clusterIdOf(context)
  const catalog = await openCatalog(documents, [...ENGINE_BUILTINS, ...given.builtins].map(builtinEntry))
  const engines = createEngines(context, catalog, plugins)
  const passwords = new PasswordPolicies(context)
  const table = new MountTable(context)
  const entities = new Entities(context)
  const guardKey = createGuardKey(store)
  const wrapping = new Wrapping(context)
  const backends = new Backends({
    ...{ context, catalog, plugins, engines, clusterId, guardKey },
    maxStorageBytes: config.maxStorageBytes,
    wrap: (mountUuid, data, ttlMs) => wrapping.wrapFor(mountUuid, data, ttlMs, 'sys/wrapping/wrap'),
    entity: (id) => entities.byId(id),
    password: async (policy) => passwords.generate(policy),
  })
  const ownRequests = createOwnRequests({ context, table, backends })
  const tokens = await openTokens(context)
  const leases = new Leases(context, ownRequests, tokens)
  await Promise.all([table.load(), entities.load(), wrapping.load(), passwords.load()])
  await leases.load()
  const clear = clearMount({ leases, tokens })
  const mounts = new Mounts({ context, table, catalog, backends, rollback: ownRequests.rollback, clear })
  const register = createRegister({ catalog, plugins, tell, isolation: config.isolation, guardKey })
  const mountDeps = { table, mounts, backends }
  const leaseHandler = createLeaseHandler(leases)
  const state = createStateHandler(clock, clusterId)
  const handlers: OwnHandlers = [
    ['sys/plugins/reload', createReloadHandler(mountDeps)],
    ['sys/plugins', createCatalogHandler({ catalog, register, tell })],
    ['sys/mounts', createMountHandler(mountDeps, 'secret')],
    ['sys/auth', createMountHandler(mountDeps, 'auth')],
    ['sys/remount', createRemountHandler(mountDeps)],
    ['sys/internal/ui/mounts', createUiMountsHandler(mountDeps)],
    ['sys/leases', leaseHandler],
    ...['renew', 'revoke', 'revoke-prefix', 'revoke-force'].map(
      (name) =>
        [
          `sys/${name}`,
          (call) => leaseHandler({ ...call, rest: call.rest === '' ? name : `${name}/${call.rest}` }),
        ] as OwnHandlers[number],
    ),
    ['sys/wrapping', createWrappingHandler(wrapping)],
    ['sys/policies/password', createPasswordPolicyHandler(passwords)],
    ['sys/capabilities-self', createCapabilitiesHandler((token, path) => capabilitiesOn(table, token, path))],
    ...['health', 'seal-status', 'leader'].map(
      (name) => [`sys/${name}`, (call) => state({ ...call, rest: name })] as OwnHandlers[number],
    ),
    ['auth/token', createTokenHandler({ context, tokens, backends, ownRequests })],
    ['cubbyhole', createCubbyholeHandler(store, tokens)],
  ]
  const handle = createHandle({ leases, backends, logIn: createLogIn({ context, tokens, entities, backends }) })
  const router = new Router({
    ...{ random, tokens, table, backends, leases, wrapping, handle },
    own: createOwn(handlers),
  })
  const operator = createOperator({ catalog, register, plugins, ...mountDeps, leases, ownRequests, tell })
  const periodic = createPeriodic({ context, table, rollback: ownRequests.rollback })
  return {
    ...{ router, operator, tokens, leases, table },
    described(token): TokenDescription | undefined {
      const { record } = token
      if (record.kind !== 'caller') return undefined
      if (!token.isDescribed) tokens.describe(token)
      return {
        mount: table.byUuid(record.mountUuid)?.record.path ?? '',
        policies: record.policies,
        alias: record.alias,
        entity: record.entityId,
        metadata: record.metadata ?? {},
      }
    },
    async start(): Promise<void> {
      const tainted = table.all().filter((mount) => mount.record.tainted)
      const removals = tainted.map(({ record }) =>
        mounts
          .disable(record.path)
          .catch((error: unknown) =>
            tell('work-failed', { path: record.path, plugin: record.type, code: codeOf(error) }),
          ),
      )
      // One that hangs goes on by itself: nobody else waits for it.
      await within(clock, START_LIMIT_MS, Promise.all(removals))
      if (config.periodic) periodic.start()
    },
    stop: () => periodic.stop(),
    async close(): Promise<void> {
      backends.close()
      await Promise.all(table.all().map((mount) => backends.stop(mount)))
    },
  }
}

/** How long a host that starts waits for mounts whose removal was begun before. */
const START_LIMIT_MS = 1_000

const CLUSTER = 'core/cluster'

/** Stable for the life of the storage. */
async function clusterIdOf({ documents, random }: Context): Promise<string> {
  const stored = await documents.get<{ readonly id: string }>(CLUSTER)
  if (stored !== undefined) return stored.id
  const id = random.uuid()
  await documents.put(CLUSTER, { id })
  return id
}

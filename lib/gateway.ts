import { type Audit, createAudit } from './audit/audit.ts'
import { createHasher, type Hasher } from './audit/hasher.ts'
import { createAuditContent } from './audit-content.ts'
import { GatewayEmitter } from './emitter.ts'
import type { createHttpTransport } from './http/transport.ts'
import { createIdentities } from './identities.ts'
import { createLeaseCache } from './lease/cache.ts'
import { createLease } from './lease/handle.ts'
import type { Kept } from './lease/kept.ts'
import { mayShare } from './lease/sharing.ts'
import { createLeases } from './leases.ts'
import type { Answer } from './model/answer.ts'
import type { Gateway } from './model/gateway.ts'
import type { Lease } from './model/lease.ts'
import type { GatewayRequest } from './model/request.ts'
import type { Environment } from './options/environment.ts'
import {
  checkedPolicies,
  type GatewayConfig,
  type GatewayOptions,
  type OwnAccessOptions,
  resolveGateway,
} from './options/gateway.ts'
import { createOwnEvents, recordedLogins, recordTransport } from './own-events.ts'
import { createMaySee } from './pipeline/access.ts'
import { createAdmission } from './pipeline/admission.ts'
import type { Call, Identity } from './pipeline/call.ts'
import { createCreateOnly } from './pipeline/create-only.ts'
import { createEntries } from './pipeline/entries.ts'
import type { EntryContent } from './pipeline/entry-content.ts'
import { createGuardLease } from './pipeline/guard-lease.ts'
import { checkHealth } from './pipeline/health.ts'
import { createHolds, type Hold } from './pipeline/holds.ts'
import { createLeaseLimits } from './pipeline/lease-limits.ts'
import { createMinting } from './pipeline/minting.ts'
import { createMounts } from './pipeline/mounts.ts'
import { createNormalise } from './pipeline/normalise.ts'
import { createOwnExchange } from './pipeline/own-exchange.ts'
import { createPipeline } from './pipeline/pipeline.ts'
import { createPreflight } from './pipeline/preflight.ts'
import { createRefuse } from './pipeline/refuse.ts'
import { createRelease } from './pipeline/release.ts'
import { createSend } from './pipeline/sender.ts'
import { createServeAlone } from './pipeline/serve-alone.ts'
import { createServeRevoking } from './pipeline/serve-revoking.ts'
import { createServeShared } from './pipeline/serve-shared.ts'
import { checkCreationPath } from './pipeline/unwrap.ts'
import { createPolicies, type Policies } from './policies.ts'
import { printAcl } from './policy/acl/print-acl.ts'
import { explainAsked } from './policy/explain-asked.ts'
import { createLimits } from './policy/limits/limits.ts'
import { createPolicyListener } from './policy-listener.ts'
import type { AuthMethod } from './ports/auth-method.ts'
import type { Clock } from './ports/clock.ts'
import type { WatchedFiles } from './ports/files.ts'
import type { Random } from './ports/random.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Transport } from './ports/transport.ts'
import { token as tokenAuth } from './session/auth/token.ts'
import { createSession, type Session, type SessionListener } from './session/session.ts'
import { createSessionListener } from './session-listener.ts'
import { CallerGateway, type Engine } from './surface.ts'
import { systemClock } from './system/clock.ts'
import { systemFiles } from './system/files.ts'
import { readOrCreateKey } from './system/key-file.ts'
import { systemRandom } from './system/random.ts'
import { createSchedule } from './system/schedule.ts'
import { createTelemetry } from './telemetry/telemetry.ts'
import { createWatching } from './watching.ts'

/** What a gateway reaches the outside through. For tests: a fake clock, fixed chance. */
export interface Drivers {
  readonly clock: Clock
  readonly random: Random
  readonly files: WatchedFiles
  readonly telemetry: Telemetry
  readonly environment: Environment
}

/**
 * Opens the gate: checks the options, loads policies, opens audit devices. Logs in when the first call needs a token.
 *
 * @param options - See {@link GatewayOptions}; over a plugin host `auth` may be left out.
 * @param drivers - Replaces parts of the outside, for tests.
 * @throws {TypeError|RangeError} an option is wrong; the message names it.
 * @throws {PolicyLoadError} a policy cannot be used.
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE`: a device cannot be opened.
 * @example
 * const gateway = await createGateway({
 *   server: { address: 'https://vault.internal:8200' },
 *   auth: appRole({ roleId, secretIdFile: '/run/secrets/secret-id' }),
 *   policies: './policies',
 *   caller: { service: 'orders' },
 *   audit: { devices: [file('audit.jsonl'), otel()] },
 * })
 * const { data } = await gateway.read('database/creds/orders')
 */
export async function createGateway(
  options: GatewayOptions | OwnAccessOptions,
  drivers: Partial<Drivers> = {},
): Promise<Gateway> {
  const environment = drivers.environment ?? process.env
  const config = resolveGateway(options, environment)
  const emitter = new GatewayEmitter()
  const {
    clock = systemClock,
    random = systemRandom,
    files = systemFiles,
    telemetry = await createTelemetry(),
  } = drivers
  const outside = { clock, random, files, telemetry, environment }
  const policies = await createPolicies(config, outside)
  const hasher = createHasher(await auditKey(config, random))
  const content = createAuditContent(config.auditContent, { namespace: config.namespace, hasher })
  const instance = random.uuid()
  const transport =
    'transport' in config.server ? config.server.transport : await httpTransport(config.server.config, outside)
  // Last of what can fail: an open device would be left behind.
  const audit = await createAudit({ devices: config.devices, hasher, clock, instance, telemetry, diagnostics: emitter })
  const engine = createEngine(config, { ...outside, policies, audit, hasher, content, emitter, transport, instance })
  return new CallerGateway(engine, { caller: config.caller, identity: engine.own }, config.independentCallers)
}

/** Loaded where it is needed: over a plugin host, undici would only take memory (10 to 15 MB) and time. */
async function httpTransport(...args: Parameters<typeof createHttpTransport>): Promise<Transport> {
  const http = await import('./http/transport.ts')
  return http.createHttpTransport(...args)
}

interface Parts extends Drivers {
  readonly policies: Policies
  readonly audit: Audit
  readonly hasher: Hasher
  readonly content: EntryContent
  readonly emitter: GatewayEmitter
  readonly transport: Transport
  readonly instance: string
}

function createEngine(config: GatewayConfig, parts: Parts): Engine & { readonly own: Identity } {
  const { audit, clock, emitter, hasher, policies, telemetry, transport } = parts
  const policy = policies.engine
  const { namespace, timeoutMs } = config
  const nextId = ids(parts.instance)
  const onLeak = (path: string, code: string): void => {
    telemetry.count('portcullis.leaks', { 'error.type': code })
    events.leaked(path, code)
    emitter.emit('leaked', { path, code })
  }
  const { content } = parts
  const entries = createEntries(audit, { shape: config.auditContent.shape, content })
  const events = createOwnEvents({ entries, hasher, content, nextId })
  const unfollow = recordTransport(transport, events.record)
  const limits = createLimits(clock)
  const refuse = createRefuse({ entries, telemetry, emit: emitter.emit.bind(emitter) })
  const exchange = createOwnExchange({ transport, entries, telemetry, nextId, namespace, timeoutMs, onLeak })
  const schedule = createSchedule(clock, {
    onError: () => emitter.warn('a step that was put off failed', {}),
  })
  const sessionOf = (auth: AuthMethod, keepsAlive: boolean): Session =>
    createSession({
      ...parts,
      auth: recordedLogins(auth, events.record),
      exchange,
      schedule,
      hash: hasher.value,
      keepsAlive,
      listener: listenerOf(auth.method),
    })
  const listenerOf = (method: string): SessionListener =>
    createSessionListener({ clock, emitter, events, telemetry, onLeak }, method, () => keeper)
  const session = sessionOf(config.auth, true)
  const mounts = createMounts({ exchange, session, clock })
  const normalise = createNormalise(config)
  const cache = createLeaseCache(config.maxEntries)
  const leases = createLeases(config.leases, { ...parts, events }, { cache, exchange, onLeak, schedule, session })
  const { keeper, verifier } = leases
  const release = createRelease({ exchange, onLeak })
  const send = createSend({
    transport,
    clock,
    telemetry,
    isKnownKv: (request) => mounts.isKnownKv(request.namespace, request.path),
  })
  const onRefused = (): void => telemetry.count('portcullis.lease.over_budget', {})
  const minting = createMinting({ mounts, clock })
  const admission = createAdmission({ ...leases, minting, clock, onRefused })
  const leaseLimits = createLeaseLimits({ ...leases, limits, minting })
  const { retireAlone } = leases
  const serving = { policy, entries, refuse, send, release, admission, leaseLimits, retireAlone, clock, timeoutMs }
  const serveAlone = createServeAlone(serving)
  const shared = createServeShared({
    ...serving,
    cache,
    telemetry,
    ...leases,
    nextId,
    maySee: createMaySee({ exchange, clock }),
    serveAlone,
  })
  const identities = createIdentities({
    ...{ hasher, transport },
    sessionOf: (token) => sessionOf(tokenAuth({ token }), false),
  })
  const pipeline = createPipeline({
    ...{ normalise, policy, limits, refuse, entries, telemetry, clock, nextId, namespace, mayShare, serveAlone },
    known: identities.known,
    createOnly: createCreateOnly(mounts),
    guardLease: createGuardLease(keeper),
    maxInFlight: config.maxInFlight,
    serveShared: (call) => shared.serve(call),
    serveRevoking: createServeRevoking({ serveAlone, alone: leases.alone, keeper, session, hash: hasher.value }),
  })
  const watching = createWatching({
    ...{ clock, random: parts.random, schedule, telemetry, mounts, pipeline },
    verify: shared.verify.bind(shared),
  })
  const preflight = createPreflight({ policy, exchange, namespace, printAcl })
  const holds = createHolds({ policy, entries })
  policies.follow(createPolicyListener({ entries, emitter, holds, nextId }))
  const close = async (): Promise<void> => {
    policies.close()
    watching.close()
    await pipeline.drain()
    await shared.settled()
    try {
      await leases.close()
      await session.close()
      schedule.close()
      await transport.close()
    } finally {
      unfollow()
      await audit.close()
      emitter.removeAll()
    }
  }
  let closing: Promise<void> | undefined
  return {
    own: { id: '', session },
    run: (who, operation, path, data, options, isLogin) => {
      const { query, namespace: asked, wrapTtlMs } = options
      return pipeline.run(
        who,
        { operation, path, data, query, namespace: asked, wrapTtlMs },
        options,
        isLogin === true ? LOGIN : undefined,
      )
    },
    async lease(who, operation, path, data, options) {
      const { query, namespace: asked } = options
      let lease: (Lease & Hold) | undefined
      const serve = async (call: Call): Promise<Answer> => {
        const answerOf = (kept: Kept): Answer => shared.answerOf(call, kept)
        const lookUp = (kept: Kept): Promise<void> => verifier.lookUp(kept)
        return shared.hold(call, (line) => {
          const { isUsable: isLive, onBound } = leases
          lease = createLease(line, { keeper, answerOf, isLive, lookUp, onBound, onClosed: holds.remove })
          holds.add(call, lease)
        })
      }
      await pipeline.run(who, { operation, path, data, query, namespace: asked }, options, { serve })
      const held = lease as unknown as Lease & Hold
      await holds.confirm(held)
      return held
    },
    watch: (who, path, watched) => watching.open(who, path, watched),
    unwrap: (who, token, { creationPath, ...options }) => {
      const { query, namespace: asked, wrapTtlMs } = options
      const path = 'sys/wrapping/unwrap'
      const raw = { operation: 'write', path, data: { token }, query, namespace: asked, wrapTtlMs } as const
      const check =
        creationPath === undefined
          ? undefined
          : (request: GatewayRequest): Promise<void> => checkCreationPath(exchange, request, creationPath)
      return pipeline.run(who, raw, options, { check })
    },
    explain: (who, request) => explainAsked(policy, identities.peek(who).caller, () => normalise(request)),
    preflight: ({ caller, identity }) => preflight(caller, identity),
    reloadPolicies: (given) => policies.reload(given === undefined ? undefined : checkedPolicies(given)),
    evict: (target) => cache.evict(target, namespace),
    health: (limitMs) =>
      checkHealth(
        {
          ...{ transport, nextId, entries, audit },
          session: () => session.state(),
          cache: () => ({ entries: cache.size, inFlight: pipeline.inFlight }),
        },
        limitMs,
      ),
    async kvVersion(mount, asked) {
      const request = normalise({ operation: 'list', path: `${mount}/`, namespace: asked })
      return (await mounts.of(request.namespace, request.path)).kvVersion
    },
    identity: identities.of,
    on: (event, listener) => emitter.on(event, listener),
    off: (event, listener) => emitter.off(event, listener),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

async function auditKey({ auditKey: key }: GatewayConfig, random: Random): Promise<Uint8Array> {
  if ('bytes' in key) return key.bytes
  return 'file' in key ? readOrCreateKey(key.file, random) : random.bytes(32)
}

const LOGIN = Object.freeze({ isLogin: true })

/** Ids that are unique for ever and cost no randomness a request. */
function ids(instance: string): () => string {
  let count = 0
  return () => `${instance}-${(++count).toString(36)}`
}

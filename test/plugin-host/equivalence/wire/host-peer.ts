import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { PluginError } from '../../../../lib/errors/index.ts'
import type { JsonObject } from '../../../../lib/model/json.ts'
import type { Operation } from '../../../../lib/model/operation.ts'
import { seal, unseal } from '../../../../lib/model/sealed.ts'
import { builtinTable } from '../../../../lib/plugin/builtin/index.ts'
import { resolvePluginHost } from '../../../../lib/plugin-host/options.ts'
import { createPlugins } from '../../../../lib/plugin-host/process/create-plugins.ts'
import { createAccessMethod } from '../../../../lib/plugin-host/router/access-method.ts'
import { envelopeOf } from '../../../../lib/plugin-host/router/answer.ts'
import type { Builtin } from '../../../../lib/plugin-host/router/builtins.ts'
import type { Context } from '../../../../lib/plugin-host/router/context.ts'
import { createDocuments } from '../../../../lib/plugin-host/router/documents.ts'
import { durationMs } from '../../../../lib/plugin-host/router/duration.ts'
import type { Outcome } from '../../../../lib/plugin-host/router/outcome.ts'
import { openParts, type Parts } from '../../../../lib/plugin-host/router/parts.ts'
import { Refusal } from '../../../../lib/plugin-host/router/refusal.ts'
import { memory } from '../../../../lib/plugin-host/storage/memory.ts'
import { systemClock } from '../../../../lib/system/clock.ts'
import { systemRandom } from '../../../../lib/system/random.ts'
import { createSchedule } from '../../../../lib/system/schedule.ts'
import type { Peer, WireAnswer, WireRequest } from './peer.ts'

export interface HostPeerOptions {
  /** Built-in plugins. Default: those of the package. */
  readonly builtins?: readonly Builtin[]
}

/** A host on storage in memory, asked at its router, where nothing of an answer is lost. */
export async function hostPeer(t: TestContext, options: HostPeerOptions = {}): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'host-'))
  const store = memory()
  const [clock, random] = [systemClock, systemRandom]
  const config = resolvePluginHost({ storage: store, processes: { folder } })
  const schedule = createSchedule(clock, { onError: () => undefined })
  const { defaultLeaseTtlMs, maxLeaseTtlMs } = config
  const documents = createDocuments(store)
  const tell = (): void => undefined
  const context: Context = { clock, random, schedule, store, documents, tell, defaultLeaseTtlMs, maxLeaseTtlMs }
  const plugins = createPlugins({ folder, clock, random })
  const { builtins = builtinTable() } = options
  const parts = await openParts(context, config, { plugins, builtins })
  await parts.start()
  t.after(async () => {
    parts.stop()
    await parts.router.drain()
    schedule.close()
    await parts.leases.settled()
    await parts.close()
    await plugins.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const { grant } = await createAccessMethod(parts.tokens, 'operator').login({} as never)
  return { name: 'host', send: (request) => sendTo(parts, { token: unseal(grant.token), ...request }) }
}

async function sendTo({ router, tokens }: Parts, request: WireRequest): Promise<WireAnswer> {
  const { method, path, body, token = '', wrapTtl } = request
  const [name = '', query = ''] = path.split(/\?(.*)/s)
  const fields = Object.fromEntries(new URLSearchParams(query))
  const requestId = crypto.randomUUID()
  // Whoever a login made may use the mounts once a gateway has asked who it is, and its policies decide.
  const known = token === '' ? undefined : tokens.find(token)
  if (known !== undefined && known.record.kind === 'caller') tokens.describe(known)
  const operation = operationOf(method, fields)
  if (operation === undefined) return { status: 405, body: undefined }
  try {
    const asked = {
      ...{ operation, namespace: '', path: name, query: fields, requestId, repeatable: false },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      wrapTtlMs: wrapTtl === undefined ? 0 : durationMs(wrapTtl, 'wrap_ttl'),
      token: token === '' ? undefined : seal(token),
    }
    return wireOf(await router.outcome(asked, requestId, { timeoutMs: 30_000 }), requestId)
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, body: { errors: [...error.errors] } }
    // No word of a server: the gateway throws it as it is.
    if (error instanceof PluginError) return { status: 500, body: { errors: [error.code] } }
    throw error
  }
}

function operationOf(method: string, query: Record<string, string>): Operation | undefined {
  const { list, scan } = query
  switch (method) {
    case 'GET':
      delete query.list
      delete query.scan
      return list === 'true' ? 'list' : scan === 'true' ? 'scan' : 'read'
    case 'LIST':
      return 'list'
    case 'SCAN':
      return 'scan'
    case 'POST':
    case 'PUT':
      return 'write'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return 'delete'
    default:
      return undefined
  }
}

/** As a server writes it. */
function wireOf(outcome: Outcome, requestId: string): WireAnswer {
  const { data, lease, warnings = [], auth, raw, bare, envelope, wrapInfo, status } = outcome
  if (raw !== undefined) return { status: raw.status, body: rawBody(raw.contentType, raw.bytes) }
  if (bare !== undefined) return { status: 200, body: bare }
  if (envelope !== undefined) return { status: 200, body: { ...envelope, request_id: requestId } }
  if (wrapInfo !== undefined) return { status: 200, body: { ...envelopeOf({}, ''), wrap_info: wrapInfo } }
  const isEmpty = !data && !lease && !auth && warnings.length === 0 && status === undefined
  if (isEmpty) return { status: 204, body: undefined }
  return { status: status ?? 200, body: envelopeOf(outcome, requestId) }
}

function rawBody(contentType: string, bytes: Uint8Array): string | JsonObject | undefined {
  if (bytes.length === 0) return undefined
  const text = Buffer.from(bytes).toString()
  return contentType.startsWith('application/json') ? JSON.parse(text) : text
}

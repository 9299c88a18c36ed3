import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type AuditEntry, createGateway, file, type Gateway, type GatewayOptions, token } from 'portcullis'
import { type Bao, type BaoOptions, startBao } from '../support/bao.ts'
import { checked } from '../support/checked-device.ts'

/** What the server wrote of one request in its own audit. */
export interface ServerEntry {
  readonly type: string
  readonly request: { readonly path: string; readonly operation: string }
}

/** A real server that audits to a file, so that a test can see what really reached it. */
export interface AuditedBao extends Bao {
  /** Requests that reached it on `path`, by its own audit. */
  requestsOn(path: string): readonly ServerEntry[]
  /** All requests that reached it. */
  requests(): readonly ServerEntry[]
}

export async function startAuditedBao(t: TestContext, options: BaoOptions = {}): Promise<AuditedBao> {
  const folder = temporaryFolder(t)
  const bao = await startBao(t, { ...options, apiAudit: true })
  const log = join(folder, 'server-audit.log')
  await bao.root('PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } })
  const requests = (): readonly ServerEntry[] =>
    (jsonLines(log) as ServerEntry[]).filter(({ type }) => type === 'request')
  return { ...bao, requests, requestsOn: (path) => requests().filter(({ request }) => request.path === path) }
}

/** A gateway in front of `bao`, with an audit file that can be read back. Closed after the test. */
export interface GatewayUnderTest {
  readonly gateway: Gateway
  readonly auditFile: string
  entries(): readonly AuditEntry[]
}

export async function openGateway(
  t: TestContext,
  bao: Bao,
  options: Partial<GatewayOptions> = {},
): Promise<GatewayUnderTest> {
  const auditFile = join(temporaryFolder(t), 'audit.jsonl')
  const gateway = await createGateway({
    server: { address: bao.address },
    auth: token({ token: bao.rootToken }),
    ...(options.policies === undefined ? { dangerouslyAllowEverything: true } : {}),
    audit: { devices: [checked(file(auditFile))] },
    ...options,
  })
  t.after(() => gateway.close())
  return { gateway, auditFile, entries: () => jsonLines(auditFile) as AuditEntry[] }
}

/** A policy that allows `operations` on `paths`. */
export function allowing(paths: readonly string[], operations: readonly string[] = ['read']): object {
  return { policy: 'test', rules: paths.map((path) => ({ path, operations, effect: 'allow' })) }
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function jsonLines(path: string): unknown[] {
  const text = readFileSync(path, 'utf8').trimEnd()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line))
}

/** Writes `text` to a file that only we may read. */
export function secretFile(t: TestContext, text: string): string {
  const path = join(temporaryFolder(t), 'secret')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

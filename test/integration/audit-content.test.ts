import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AuditEntry, createGateway, file, token } from 'portcullis'
import { startBao } from '../support/bao.ts'
import { checked } from '../support/checked-device.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { temporaryFolder } from './real.ts'

const skip = await realServersAbsent()

/** A line of either log, as far as both have the same fields. */
interface Line {
  readonly type: string
  readonly request: {
    readonly path: string
    readonly operation: string
    readonly data?: object
    readonly query?: object
  }
  readonly response?: {
    readonly data?: object
    readonly secret?: { readonly lease_id?: string }
    readonly wrap_info?: { readonly token?: string; readonly accessor?: string }
  }
}

function linesOf(path: string): readonly Line[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Line)
}

/** Which values are hashed: each text by what it is, all else by its kind; the server leaves nulls out. */
function formOf(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('hmac-sha256:') ? 'HMAC' : 'clear'
  if (Array.isArray(value)) return value.map(formOf)
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, formOf(item)]),
  )
}

test('what is hashed, left in clear and counted is what the server hashes, leaves and counts, but for lease ids', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t)
  const bao = await startBao(t, { apiAudit: true })
  const [ours, theirs] = [join(folder, 'ours.jsonl'), join(folder, 'theirs.log')]
  const options = { file_path: theirs, elide_list_responses: 'true' }
  const keys = {
    audit_non_hmac_request_keys: ['owner', 'common_name'],
    audit_non_hmac_response_keys: ['owner', 'serial_number'],
  }
  await bao.root('POST', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' }, config: keys })
  await bao.root('POST', 'sys/mounts/pki', { type: 'pki', config: keys })
  await bao.root('POST', 'pki/root/generate/internal', { common_name: 'example', ttl: '1h' })
  await bao.root('POST', 'pki/roles/web', { allow_any_name: true, generate_lease: true, max_ttl: '30m' })
  await bao.root('PUT', 'sys/audit/file', { type: 'file', options })

  const gateway = await createGateway({
    server: { address: bao.address },
    auth: token({ token: bao.rootToken }),
    dangerouslyAllowEverything: true,
    audit: {
      devices: [checked(file(ours))],
      elideLists: true,
      clear: [
        { path: 'kv2/data/*', request: ['owner'], response: ['owner'] },
        { path: 'pki/issue/+', request: ['common_name'], response: ['serial_number'] },
      ],
    },
  })
  t.after(() => gateway.close())
  await gateway.write('kv2/data/app', {
    data: { owner: 'ada', password: 'p', n: 1, at: '2026-01-01T00:00:00Z', list: ['x', 2] },
  })
  await gateway.read('kv2/data/app', { query: { version: '1' } })
  await gateway.list('kv2/metadata')
  await gateway.write('pki/issue/web', { common_name: 'a.example', ttl: '5m' })
  await gateway.read('kv2/data/app', { wrapTtlMs: 60_000 })
  await gateway.close()

  const seen = linesOf(theirs).filter(({ request }) => /^(?:kv2|pki)\//.test(request.path))
  const told = linesOf(ours).filter(({ request }) => /^(?:kv2|pki)\//.test(request.path))
  assert.equal(told.length, 10)
  assert.equal(seen.length, 10)
  for (const [at, line] of told.entries()) {
    const other = seen[at]
    const name = `${line.type} ${line.request.operation} ${line.request.path}`
    assert.deepEqual(
      [line.type, line.request.path.replace(/\/$/, '')],
      [other?.type, other?.request.path.replace(/\/$/, '')],
    )
    // The server counts the query among the data.
    const asked = { ...line.request.query, ...line.request.data }
    assert.deepEqual(formOf(asked), formOf(other?.request.data ?? {}), `${name}: what is sent`)
    if (line.response?.data !== undefined || line.type === 'response')
      assert.deepEqual(
        formOf(line.response?.data ?? {}),
        formOf(other?.response?.data ?? {}),
        `${name}: what is answered`,
      )
  }
  const issued = told.findIndex(({ type, request }) => type === 'response' && request.path === 'pki/issue/web')
  assert.deepEqual(
    [formOf(told[issued]?.response?.secret), formOf(seen[issued]?.response?.secret)],
    [{ lease_id: 'HMAC' }, { lease_id: 'clear' }],
  )
  const wrapped = told.findLastIndex(({ response }) => response?.wrap_info !== undefined)
  assert.partialDeepStrictEqual(formOf(told[wrapped]?.response?.wrap_info), { token: 'HMAC', accessor: 'HMAC' })
  t.diagnostic(`the server's wrap_info: ${JSON.stringify(formOf(seen[wrapped]?.response?.wrap_info))}`)
  // The server looks for the names at any depth.
  await bao.root('POST', 'kv2/data/deep', { data: { inner: { owner: 'deep' }, list: { owner: ['x'] } } })
  const deep = linesOf(theirs).find(({ request }) => request.path === 'kv2/data/deep')
  t.diagnostic(`the server's nested fields: ${JSON.stringify(deep?.request.data)}`)
  assert.partialDeepStrictEqual(deep?.request.data, { data: { inner: { owner: 'deep' } } })
  assert.ok((told as unknown as AuditEntry[]).every(({ decision }) => decision.effect === 'allow'))
})

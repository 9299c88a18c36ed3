import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { BackendReply, BackendResponse } from '../../../lib/model/backend.ts'
import { type Script, said, secretOf } from '../router/scripted-plugins.ts'
import { type World, world } from '../router/world.ts'

const MOUNTS = { mounts: { odd: { type: 'odd' } } }

async function answering(t: Parameters<typeof world>[0], answer: () => BackendReply): Promise<World> {
  const odd: Script = { handle: ({ operation }) => (operation === 'read' ? answer() : {}) }
  return world(t, { odd }, MOUNTS)
}

/** What no header can carry: line ends, NUL, other controls, what is not ASCII, what is longer than any. */
const TYPES: readonly string[] = [
  'text/plain\r\nSet-Cookie: a=b',
  'text/plain\nX: y',
  'text/plain\rX: y',
  'text/plain\0',
  'text/plain\x1b[2J',
  'text/plain; name=\u00e4',
  'text/plain; name=\u2028',
  'text/plain; name=\ud83d\ude00',
  `text/plain; name=${'x'.repeat(1000)}`,
]

for (const type of TYPES) {
  test(`a content type that is no header is none: ${JSON.stringify(type.slice(0, 40))}`, async (t) => {
    const raw = { http_status_code: 200, http_content_type: type, http_raw_body: 'body' }
    const it = await answering(t, () => said(raw))
    const { raw: told } = await it.ask('read', 'odd/x')
    assert.equal(told?.contentType, 'application/octet-stream')
    assert.equal(Buffer.from(told?.bytes ?? []).toString(), Buffer.from('body', 'base64').toString())
    // Nor does it come back out of a wrapping.
    const { wrapInfo } = await it.ask('read', 'odd/x', { wrapTtlMs: 60_000 })
    const unwrapped = await it.ask('write', 'sys/wrapping/unwrap', { token: wrapInfo?.token as never })
    assert.equal(unwrapped.raw?.contentType, 'application/octet-stream')
  })
}

test('headers and redirects of a plugin reach nobody', async (t) => {
  const more: Partial<BackendResponse> = {
    redirect: 'https://evil.example/\r\nSet-Cookie: a=b',
    headers: { 'Set-Cookie\r\nX': ['a=b\r\n'], 'X-Vault-Token': ['evil-token'], __proto__: ['evil'] },
  }
  const it = await answering(t, () => said({ value: 1 }, more))
  const answer = await it.ask('read', 'odd/x')
  assert.deepEqual(answer.data, { value: 1 })
  assert.ok(!/evil|Cookie/.test(inspect(answer, { depth: Number.POSITIVE_INFINITY, showHidden: true })))
})

test('warnings and data keep what stands in them, whatever it is', async (t) => {
  const odd = 'a\r\nb\0c\u001b[31m\u2028\ud800 \u{1f600}'
  const it = await answering(t, () => said({ [odd]: odd, __proto__: null }, { warnings: [odd] }))
  const { data, warnings } = await it.ask('read', 'odd/x')
  assert.deepEqual([Object.entries(data ?? {}), warnings], [[[odd, odd]], [odd]])
})

test('a name of a prototype in the data of a plugin changes no object', async (t) => {
  const data = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
  const it = await answering(t, () => ({ response: { ...said({}).response, data } }) as BackendReply)
  const answer = await it.ask('read', 'odd/x')
  assert.equal((answer.data as { readonly polluted?: unknown }).polluted, undefined)
  assert.equal(({} as { readonly polluted?: unknown }).polluted, undefined)
  assert.deepEqual(Object.keys(answer.data ?? {}), ['__proto__', 'constructor'])
})

test('a lease of a path with odd letters is renewed and revoked by its id; one with control characters never comes to be', async (t) => {
  const it = await answering(t, () => said({}, { secret: secretOf() }))
  for (const name of ['\u00e4', '\u{1f600}', 'a b', '%0d%0a', 'a\u2028b', 'a\u0085b', '\'"<>']) {
    const { leaseId } = await it.ask('read', `odd/${name}`)
    assert.ok(leaseId.startsWith(`odd/${name}/`), name)
    assert.equal((await it.ask('write', 'sys/leases/renew', { data: { lease_id: leaseId } })).leaseId, leaseId)
    await it.ask('write', 'sys/leases/revoke', { data: { lease_id: leaseId, sync: true } })
  }
  assert.deepEqual(it.host.operator.leases(), [])
  for (const name of ['a\r\nb', 'a\0b', 'a\x7fb', '\ud800', '..', 'a/../b'])
    assert.match(await it.refusal('read', `odd/${name}`), /^400/, JSON.stringify(name))
  assert.deepEqual(it.plugins.of('read').length, 7)
})

test('an answer that nests a hundred thousand deep, or repeats a key, is refused or read', async (t) => {
  const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  let data = deep
  const it = await answering(t, () => ({ response: { ...said({}).response, data } }) as BackendReply)
  assert.match(await it.refusal('read', 'odd/x'), /^500/)
  data = '{"a":1,"a":2}'
  assert.deepEqual((await it.ask('read', 'odd/x')).data, { a: 2 })
})

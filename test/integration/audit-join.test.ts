import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createJoin, type Joined } from '../../lib/audit/join/join.ts'
import { portcullis } from '../adapters/cli/command.ts'
import { startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { allowing, openGateway, temporaryFolder } from './real.ts'

const skip = await realServersAbsent()

function joined(gateway: string, server: string): Joined {
  const logs = createJoin()
  for (const line of readFileSync(gateway, 'utf8').split('\n')) if (line !== '') logs.gateway(line)
  for (const line of readFileSync(server, 'utf8').split('\n')) if (line !== '') logs.server(line)
  return logs.result()
}

for (const isListed of [true, false]) {
  test(`both logs line up, and what one of them lacks is an alarm${isListed ? '' : ', by ids of answers alone'}`, {
    skip,
  }, async (t) => {
    const bao = await startBao(t, { apiAudit: true })
    const log = join(temporaryFolder(t), 'server.log')
    await bao.root('PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } })
    if (isListed) await bao.root('PUT', 'sys/config/auditing/request-headers/X-Correlation-Id', { hmac: false })
    await bao.root('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
    await bao.root('POST', 'auth/token/create', { policies: ['root'], id: 'ours' })
    const { auth } = (await bao.root('POST', 'auth/token/create', { policies: ['root'] })).body
    const { token } = await import('portcullis')
    const { gateway, auditFile } = await openGateway(t, bao, {
      policies: [
        { ...allowing(['kv/*'], ['*']), policy: 'all' },
        { policy: 'no', rules: [{ path: 'kv/data/no', operations: ['*'], effect: 'forbid' }] },
        {
          policy: 'cached',
          rules: [
            { path: 'kv/data/cached', operations: ['read'], effect: 'allow', cache: { ttl: '1h' } },
            { path: 'kv/data/cached', operations: ['write', 'delete'], effect: 'allow' },
          ],
        },
      ],
      auth: token({ token: auth.client_token }),
    })
    await gateway.write('kv/data/cached', { data: { a: 1 } })
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        gateway.read(`kv/data/${at % 2 === 0 ? 'cached' : 'none'}`).catch(() => {}),
      ),
    )
    await gateway.read('kv/data/cached')
    await gateway.delete('kv/data/cached')
    await assert.rejects(gateway.read('kv/data/no'))
    await gateway.close()
    const whole = joined(auditFile, log)
    // Without the header only answers with an id line up: a 204 and a 404 have none.
    assert.equal(whole.isCorrelated, isListed)
    if (isListed) assert.deepEqual(whole.unexplained, [])
    assert.ok(whole.joined >= (isListed ? 5 : 3), JSON.stringify(whole))
    assert.ok(whole.local >= 2 && whole.foreign > 0, JSON.stringify(whole))

    // Somebody uses the token past the gateway; and an entry of ours that never was.
    await bao.call(auth.client_token, 'GET', 'kv/data/stolen')
    const found = joined(auditFile, log).unexplained.filter(({ log: which }) => which === 'server')
    const paths = found.map(({ operation, path }) => `${operation} ${path}`)
    if (isListed) assert.deepEqual(paths, ['read kv/data/stolen'])
    else assert.ok(paths.includes('read kv/data/stolen'), paths.join())
    const told = await portcullis(['audit', 'join', auditFile, log], { cwd: dirname(log) })
    assert.equal(told.code, 1)
    assert.match(
      told.stdout,
      /^ALARM {2}only in the server's log, by a token of the gateway, line \d+: \S+ read kv\/data\/stolen$/m,
    )
    assert.equal(told.stderr === '', isListed)
  })
}

test('an entry of ours that the server never had is an alarm; one whose exchange failed is not', () => {
  const logs = createJoin()
  const entry = (id: string, type: string, more: object = {}): string =>
    JSON.stringify({
      time: 't',
      type,
      decision: { effect: 'allow' },
      request: { id, operation: 'read', path: 'kv/a' },
      ...more,
    })
  logs.gateway(entry('1', 'request'))
  logs.gateway(entry('1', 'response', { response: { source: 'server', status: 200 } }))
  logs.gateway(entry('2', 'request'))
  logs.gateway(entry('2', 'response', { error: 'ERR_PORTCULLIS_SERVER_UNREACHABLE: no' }))
  logs.gateway('{"torn')
  logs.server('no json')
  const { unexplained, unsure, joined: count } = logs.result()
  assert.deepEqual([unsure, count], [1, 0])
  assert.deepEqual(unexplained, [{ log: 'gateway', line: 1, time: 't', operation: 'read', path: 'kv/a', id: '1' }])
})

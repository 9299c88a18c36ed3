import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { AuditError, callback, file } from 'portcullis'
import { realServersAbsent } from '../support/real-servers.ts'
import { openGateway, startAuditedBao, temporaryFolder } from './real.ts'

const skip = await realServersAbsent()

test('row l: a required file device that stalls refuses the request within its time limit, and nothing was sent', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  const fifo = join(temporaryFolder(t), 'audit.fifo')
  spawnSync('mkfifo', [fifo])
  // A reader that never reads: once the pipe is full, writes stall.
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const { gateway } = await openGateway(t, bao, { audit: { devices: [file(fifo, { timeoutMs: 300 })] } })
  let refusal: unknown
  for (let i = 0; i < 2_000 && refusal === undefined; i += 1) {
    await gateway.read(`cubbyhole/${'x'.repeat(2_000)}`).catch((error: unknown) => {
      if (error instanceof AuditError) refusal = error
    })
  }
  assert.ok(refusal instanceof AuditError)
  assert.equal(refusal.code, 'ERR_PORTCULLIS_AUDIT_TIMEOUT')

  const before = bao.requests().length
  const startedAt = performance.now()
  await assert.rejects(gateway.write('cubbyhole/after', { a: 1 }), { name: 'AuditError', phase: 'request' })
  assert.ok(performance.now() - startedAt < 1_000, 'refused in time')
  assert.equal(bao.requests().length, before)
})

test('row l: a required file device that is full refuses the request, and nothing was sent', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  const { gateway } = await openGateway(t, bao, { audit: { devices: [file('/dev/full')] } })
  const before = bao.requests().length

  await assert.rejects(gateway.write('cubbyhole/app', { a: 1 }), {
    code: 'ERR_PORTCULLIS_AUDIT_FAILED',
    phase: 'request',
  })
  assert.equal(bao.requests().length, before)
})

test('row l: a best-effort device that is full lets the request pass, and the gap is counted', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  const { gateway } = await openGateway(t, bao, {
    audit: { devices: [file('/dev/full', { required: false }), callback('memory', () => {})] },
  })

  await gateway.write('cubbyhole/app', { a: 1 })
  const answer = await gateway.read('cubbyhole/app')

  assert.equal(answer.data.a, 1)
  const device = (await gateway.health()).audit.find(({ name }) => name === 'file:/dev/full')
  assert.ok(device !== undefined && device.dropped >= 4, `dropped ${device?.dropped}`)
})

test('after a write whose answer could not be recorded the error says that the server did it', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  const { gateway } = await openGateway(t, bao, {
    audit: {
      devices: [
        callback('picky', (entry) => {
          if (entry.type === 'response' && entry.request.path === 'cubbyhole/app') throw new Error('no')
        }),
      ],
    },
  })

  await assert.rejects(gateway.write('cubbyhole/app', { a: 1 }), (error: unknown) => {
    assert.ok(error instanceof AuditError)
    assert.equal(error.phase, 'response')
    assert.match(error.message, /the server did carry out write cubbyhole\/app/)
    return true
  })
  assert.equal(bao.requestsOn('cubbyhole/app').length, 1)
})

test('a lease whose answer could not be recorded is revoked at the server', { skip }, async (t) => {
  const bao = await startAuditedBao(t, { leasedKv: true })
  await bao.root('POST', 'secret/app', { value: 'x', ttl: '1h' })
  const { gateway } = await openGateway(t, bao, {
    audit: {
      devices: [
        callback('picky', (entry) => {
          if (entry.type === 'response' && entry.request.path === 'secret/app') throw new Error('no')
        }),
      ],
    },
  })

  await assert.rejects(gateway.read('secret/app'), { code: 'ERR_PORTCULLIS_AUDIT_FAILED', phase: 'response' })
  await gateway.close()
  const left = await bao.call(bao.rootToken, 'GET', 'sys/leases/lookup/secret/app?list=true')
  assert.equal(left.body?.data?.keys?.length ?? 0, 0)
})

test('our id of a request reaches the audit of the server where the operator lists the header', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('PUT', 'sys/config/auditing/request-headers/x-correlation-id', { hmac: false })
  const { gateway, entries } = await openGateway(t, bao)

  await gateway.write('cubbyhole/app', { a: 1 })

  const ours = entries().find(({ request }) => request.path === 'cubbyhole/app')
  const theirs = bao.requestsOn('cubbyhole/app')[0] as unknown as {
    readonly request: { readonly headers?: Record<string, readonly string[]> }
  }
  assert.deepEqual(theirs.request.headers?.['x-correlation-id'], [ours?.request.id])
})

test('a process with an open gateway ends by itself', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  const script = `
    import { createGateway, file, token } from 'portcullis'
    const gateway = await createGateway({ server: { address: process.env.ADDRESS }, auth: token({ token: process.env.TOKEN }),
      dangerouslyAllowEverything: true, audit: { devices: [file(process.env.AUDIT)] } })
    await gateway.read('cubbyhole/app').catch((error) => console.log(error.code))`
  const env = { ...process.env, ADDRESS: bao.address, TOKEN: bao.rootToken, AUDIT: join(temporaryFolder(t), 'a.jsonl') }
  const child = spawn(process.execPath, ['-C', 'portcullis-source', '--input-type=module', '-e', script], { env })
  let out = ''
  child.stdout.on('data', (text) => {
    out += text
  })
  const code = await new Promise((resolve) => {
    const killer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    child.once('close', (code) => {
      clearTimeout(killer)
      resolve(code)
    })
  })
  assert.equal(code, 0)
  assert.equal(out.trim(), 'ERR_PORTCULLIS_SERVER_NOT_FOUND')
})

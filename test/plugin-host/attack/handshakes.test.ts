import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseHandshake } from '../../../lib/plugin-host/process/handshake.ts'
import { certificateField, createCertificate } from '../../../lib/plugin-host/wire/certificate.ts'
import { hostile } from '../process/hostile-plugin.ts'
import { mountOf, rig, servicesOf } from '../process/plugins-for-test.ts'

test('a plugin whose socket is a link to another one is refused, and the other one hears nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'linked-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let connections = 0
  const victim = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  victim.listen(join(folder, 'docker.sock'))
  await once(victim, 'listening')
  t.after(() => victim.close())
  const { plugins } = rig(t)
  const opened = plugins.backend(hostile(t, 'linked', join(folder, 'docker.sock')), mountOf('m/'), servicesOf())
  await assert.rejects(opened, { code: 'ERR_PORTCULLIS_PLUGIN_START', message: /no socket of its own/ })
  assert.equal(connections, 0)
})

const FOLDER = '/run/portcullis-abcdef/1/s'

/** Lines that try to lead the host somewhere; `@` stands for a certificate. */
const LINES: readonly string[] = [
  `1|5|unix|${FOLDER}/../b1|grpc|@`,
  `1|5|unix|${FOLDER}/./p|grpc|@`,
  `1|5|unix|${FOLDER}//p|grpc|@`,
  `1|5|unix|${FOLDER}|grpc|@`,
  `1|5|unix|${FOLDER}x/p|grpc|@`,
  `1|5|unix|p|grpc|@`,
  `1|5|unix|${FOLDER}/p\0q|grpc|@`,
  '1|5|unix|@abstract|grpc|@',
  '1|5|unix|\0abstract|grpc|@',
  '1|5|tcp|0.0.0.0:1234|grpc|@',
  '1|5|tcp|localhost:1234|grpc|@',
  '1|5|tcp|127.0.0.1:0|grpc|@',
  '1|5|tcp|127.0.0.1:01234|grpc|@',
  '1|5|tcp|127.0.0.1:65536|grpc|@',
  '1|5|tcp|127.0.0.1:99999999999999999999|grpc|@',
  '1|5|tcp|169.254.169.254:80|grpc|@',
  '1|5|tcp|[::1]:1234|grpc|@',
  '1|5|udp|127.0.0.1:1234|grpc|@',
  `1|5.0|unix|${FOLDER}/p|grpc|@`,
  `1|05|unix|${FOLDER}/p|grpc|@`,
  `1|__proto__|unix|${FOLDER}/p|grpc|@`,
  `1||unix|${FOLDER}/p|grpc|@`,
  `01|5|unix|${FOLDER}/p|grpc|@`,
  `1|5|unix|${FOLDER}/p|GRPC|@`,
  `1|5|unix|${FOLDER}/p|netrpc|@`,
  `1|5|unix|${FOLDER}/p|grpc|${'A'.repeat(2000)}`,
  `1|5|unix|${FOLDER}/p|grpc|@\n1|5|unix|${FOLDER}/p|grpc|@`,
]

test('a handshake that leads elsewhere, or is odd in any way, is refused without being quoted', async () => {
  const field = certificateField(await createCertificate())
  const terms = { versions: [5], socketFolder: FOLDER }
  const good = parseHandshake(`1|5|unix|${FOLDER}/p|grpc|${field}|true`, terms)
  assert.deepEqual(good.address, { path: `${FOLDER}/p` })
  for (const line of LINES) {
    assert.throws(
      () => parseHandshake(line.replaceAll('|@', `|${field}`), terms),
      ({ message }: Error) => !message.includes(FOLDER) && !message.includes('169.254') && !message.includes(field),
      line,
    )
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockOf } from '../../lib/lease/clock-of.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'

const SENT_MS = 5_000
const WALL_MS = Date.UTC(2026, 0, 1)

const ANSWER: ServerAnswer = {
  status: 200,
  requestId: 'r',
  leaseId: '',
  leaseDurationMs: 0,
  renewable: false,
  data: undefined,
  warnings: [],
  wrapInfo: undefined,
  auth: undefined,
  raw: undefined,
  mountType: '',
}

const STATIC = {
  username: 'app',
  password: 'p',
  ttl: 30,
  rotation_period: 86_400,
  last_vault_rotation: '2026-01-01T00:00:00Z',
}
const CERTIFICATE = { certificate: 'pem', serial_number: '01:02', expiration: WALL_MS / 1000 + 3_600 }

/** What was answered, and its clock: kind, TTL and whether it is renewable. */
const ANSWERS: readonly (readonly [string, Partial<ServerAnswer>, readonly [string, number, boolean]])[] = [
  ['a lease', { leaseId: 'database/creds/app/1', leaseDurationMs: 60_000, renewable: true }, ['lease', 60_000, true]],
  ['a fixed lease', { leaseId: 'pki/issue/r/1', leaseDurationMs: 60_000 }, ['lease', 60_000, false]],
  ['a lease that tells no TTL', { leaseId: 'a/b/1', renewable: true }, ['lease', 0, true]],
  [
    'a leased secret with a field ttl',
    { leaseId: 'kv/a/1', leaseDurationMs: 60_000, data: { ...STATIC, ...CERTIFICATE } },
    ['lease', 60_000, false],
  ],
  ['a static role', { data: STATIC }, ['static-role', 30_000, false]],
  [
    'a static role on a schedule',
    { data: { password: 'p', ttl: 30, rotation_schedule: '0 * * * *' } },
    ['static-role', 30_000, false],
  ],
  ['a static role that is due', { data: { ...STATIC, ttl: 0 } }, ['static-role', 0, false]],
  ['a static role that is overdue', { data: { ...STATIC, ttl: -3 } }, ['static-role', 0, false]],
  ['a certificate', { data: CERTIFICATE }, ['certificate', 3_600_000, false]],
  ['a certificate that has ended', { data: { ...CERTIFICATE, expiration: 1 } }, ['certificate', 0, false]],
  ['a signed SSH key', { data: { serial_number: '1', signed_key: 'ssh-…' } }, ['none', Infinity, false]],
  ['a stored secret with a field ttl', { data: { ttl: 30, password: 'p' } }, ['none', Infinity, false]],
  ['a stored secret with a field expiration', { data: { expiration: 30, password: 'p' } }, ['none', Infinity, false]],
  ['a TTL that is a text', { data: { ...STATIC, ttl: '30' } }, ['none', Infinity, false]],
  ['a duration without lease id', { leaseDurationMs: 60_000, renewable: true, data: {} }, ['none', Infinity, false]],
  ['an answer without data', { status: 204 }, ['none', Infinity, false]],
]

for (const [name, answer, [kind, ttlMs, renewable]] of ANSWERS) {
  test(`the clock of ${name} is ${kind}, with ${ttlMs} ms left`, () => {
    const expected = { kind, issuedAtMs: SENT_MS, ttlMs, renewable }
    assert.deepEqual(clockOf({ ...ANSWER, ...answer }, SENT_MS, WALL_MS), expected)
  })
}

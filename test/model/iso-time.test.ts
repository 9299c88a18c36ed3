import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isoTime, isoTimeMs } from '../../lib/model/iso-time.ts'

test('a time is read with its zone, to the minute, second or millisecond', () => {
  const noon = Date.UTC(2026, 0, 5, 12)
  for (const text of ['2026-01-05T12:00Z', '2026-01-05T12:00:00Z', '2026-01-05T13:00:00.000+01:00', isoTime(noon)]) {
    assert.equal(isoTimeMs(text), noon, text)
  }
})

test('what has no zone, or is no time that there is, is none', () => {
  const none = ['', '2026-01-05', '2026-01-05T12:00:00', '2026-13-05T12:00:00Z', '2026-01-05T25:00:00Z', 'Jan 5 2026']
  for (const text of none) assert.equal(isoTimeMs(text), undefined, text)
})

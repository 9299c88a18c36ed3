import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Place } from '../../../lib/policy/place.ts'
import { readWindows, type Windows } from '../../../lib/policy/when/windows.ts'
import { createZones } from '../../../lib/policy/when/zones.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

interface Source {
  readonly days?: string[]
  readonly from?: string
  readonly to?: string
  readonly timeZone?: string
}

function windows(...sources: readonly Source[]): Windows {
  const read = readWindows(sources as never, new Place('p'), createZones())
  assert.ok(read !== undefined)
  return read
}

const at = (text: string): number => Date.parse(text)

/** Windows, a moment, and whether one of them is open then. 2026-03-02 is a Monday. */
const MOMENTS: readonly (readonly [source: Source, moment: string, isOpen: boolean])[] = [
  [{ days: ['mon'] }, '2026-03-02T00:00:00Z', true],
  [{ days: ['mon'] }, '2026-03-01T23:59:59.999Z', false],
  [{ days: ['mon'] }, '2026-03-02T23:59:59.999Z', true],
  [{ days: ['mon'] }, '2026-03-03T00:00:00Z', false],
  [{ from: '08:00', to: '18:00' }, '2026-03-02T07:59:59.999Z', false],
  [{ from: '08:00', to: '18:00' }, '2026-03-02T08:00:00Z', true],
  [{ from: '08:00', to: '18:00' }, '2026-03-02T17:59:59.999Z', true],
  [{ from: '08:00', to: '18:00' }, '2026-03-02T18:00:00Z', false],
  [{ from: '18:00' }, '2026-03-02T23:59:00Z', true],
  [{ from: '18:00' }, '2026-03-03T00:00:00Z', false],
  [{ to: '06:00' }, '2026-03-02T00:00:00Z', true],
  [{ to: '06:00' }, '2026-03-02T06:00:00Z', false],
  [{ days: ['fri'], from: '22:00', to: '06:00' }, '2026-03-06T22:00:00Z', true],
  [{ days: ['fri'], from: '22:00', to: '06:00' }, '2026-03-07T05:59:00Z', true],
  [{ days: ['fri'], from: '22:00', to: '06:00' }, '2026-03-07T06:00:00Z', false],
  [{ days: ['fri'], from: '22:00', to: '06:00' }, '2026-03-06T05:59:00Z', false],
  [{ days: ['sun'], from: '22:00', to: '00:00' }, '2026-03-08T23:59:00Z', true],
  [{ days: ['sun'], from: '22:00', to: '00:00' }, '2026-03-09T00:00:00Z', false],
  [{ days: ['sun'], from: '22:00', to: '06:00' }, '2026-03-09T01:00:00Z', true],
  [{ days: ['mon'], timeZone: 'Pacific/Auckland' }, '2026-03-01T11:00:00Z', true],
  [{ days: ['mon'], timeZone: 'Pacific/Auckland' }, '2026-03-02T11:00:00Z', false],
  [{ from: '08:00', to: '18:00', timeZone: 'Asia/Kathmandu' }, '2026-03-02T02:15:00Z', true],
  [{ from: '08:00', to: '18:00', timeZone: 'Asia/Kathmandu' }, '2026-03-02T02:14:59Z', false],
  // In the spring 02:00 to 03:00 does not take place, in the autumn twice.
  [{ from: '02:30', to: '02:45', timeZone: 'Europe/Zurich' }, '2026-03-29T01:30:00Z', false],
  [{ from: '02:30', to: '03:15', timeZone: 'Europe/Zurich' }, '2026-03-29T01:10:00Z', true],
  [{ from: '02:30', to: '02:45', timeZone: 'Europe/Zurich' }, '2026-10-25T00:30:00Z', true],
  [{ from: '02:30', to: '02:45', timeZone: 'Europe/Zurich' }, '2026-10-25T01:30:00Z', true],
  [{ days: ['wed'] }, '1969-12-31T12:00:00Z', true],
]

for (const [source, moment, isOpen] of MOMENTS) {
  test(`${JSON.stringify(source)} is ${isOpen ? 'open' : 'shut'} at ${moment}`, () => {
    assert.equal(windows(source).isOpen(at(moment)), isOpen)
  })
}

test('one open window is enough', () => {
  const { isOpen, text } = windows({ days: ['sat', 'sun'] }, { from: '20:00', timeZone: 'Europe/Zurich' })
  assert.equal(text, 'sat, sun UTC; 20:00-24:00 Europe/Zurich')
  assert.equal(isOpen(at('2026-03-02T19:00:00Z')), true)
  assert.equal(isOpen(at('2026-03-07T12:00:00Z')), true)
  assert.equal(isOpen(at('2026-03-02T12:00:00Z')), false)
})

test('a wall clock that shows no time is neither in a window nor out of it', () => {
  for (const timeZone of ['UTC', 'Europe/Zurich']) {
    const { isOpen } = windows({ days: ['mon'], timeZone })
    for (const wallMs of [Number.NaN, Infinity, -Infinity, 1e300]) assert.equal(isOpen(wallMs), undefined)
  }
})

/** Offsets from UTC of two zones since 2007, by their laws and not by the runtime's data. */
const OFFSETS: Readonly<Record<string, (wallMs: number) => number>> = {
  'Europe/Zurich': (wallMs) => {
    const year = new Date(wallMs).getUTCFullYear()
    const isSummer = wallMs >= sunday(year, 3, -1) + HOUR && wallMs < sunday(year, 10, -1) + HOUR
    return isSummer ? 2 * HOUR : HOUR
  },
  'America/New_York': (wallMs) => {
    const year = new Date(wallMs).getUTCFullYear()
    const isSummer = wallMs >= sunday(year, 3, 2) + 7 * HOUR && wallMs < sunday(year, 11, 1) + 6 * HOUR
    return isSummer ? -4 * HOUR : -5 * HOUR
  },
  UTC: () => 0,
}

/** Start, in UTC, of the n-th Sunday of a month; -1 for the last. */
function sunday(year: number, month: number, n: number): number {
  const first = n > 0 ? Date.UTC(year, month - 1, 1) : Date.UTC(year, month, 0)
  const day = new Date(first).getUTCDay()
  return n > 0 ? first + ((7 - day) % 7) * DAY + (n - 1) * 7 * DAY : first - day * DAY
}

/** Naively: is there a day, named by the window, between whose opening and closing on the wall the moment lies? */
function isOpenByModel({ days = [...DAYS], from = '00:00', to, timeZone = 'UTC' }: Source, wallMs: number): boolean {
  const local = wallMs + (OFFSETS[timeZone]?.(wallMs) ?? Number.NaN)
  const span = (text: string): number => Number(text.slice(0, 2)) * HOUR + Number(text.slice(3)) * MINUTE
  const opens = span(from)
  const closes = to === undefined ? DAY : span(to)
  const today = Math.floor(local / DAY) * DAY
  return [today, today - DAY].some((start) => {
    const name = DAYS[(new Date(start).getUTCDay() + 6) % 7] ?? ''
    const end = start + closes + (closes < opens ? DAY : 0)
    return days.includes(name) && local >= start + opens && local < end
  })
}

const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'))

const source: fc.Arbitrary<Source> = fc
  .record(
    {
      days: fc.subarray([...DAYS], { minLength: 1 }),
      from: time,
      to: time,
      timeZone: fc.constantFrom(...Object.keys(OFFSETS)),
    },
    { requiredKeys: ['days', 'timeZone'] },
  )
  .filter(({ from = '00:00', to }) => from !== to)

/** Within a day and a half of a change of the clocks, or anywhere in ten years. */
const moment = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('2026-03-29T01:00Z', '2026-10-25T01:00Z', '2026-03-08T07:00Z', '2026-11-01T06:00Z'),
      fc.integer({ min: -36 * HOUR, max: 36 * HOUR }),
    )
    .map(([change, offset]) => at(change) + offset),
  fc.integer({ min: at('2020-01-01T00:00Z'), max: at('2030-01-01T00:00Z') }),
)

test('windows are open exactly when a naive model says so, over changes of the clocks', () => {
  let opened = 0
  let asked = 0
  fc.assert(
    fc.property(source, fc.array(moment, { minLength: 1, maxLength: 20 }), (given, moments) => {
      const { isOpen } = windows(given)
      for (const wallMs of moments) {
        const expected = isOpenByModel(given, wallMs)
        assert.equal(isOpen(wallMs), expected, `${JSON.stringify(given)} at ${new Date(wallMs).toISOString()}`)
        asked += 1
        opened += Number(expected)
      }
    }),
    { numRuns: 1000 },
  )
  assert.ok(opened > asked / 20 && opened < asked / 2, `${opened} of ${asked} were open`)
})

test('the runtime is asked for the time of a zone once a minute', () => {
  const { isOpen } = windows({ days: ['mon'], timeZone: 'Europe/Zurich' })
  const { formatToParts } = Intl.DateTimeFormat.prototype
  let asked = 0
  Intl.DateTimeFormat.prototype.formatToParts = function (...args) {
    asked += 1
    return formatToParts.apply(this, args)
  }
  try {
    for (let ms = 0; ms < 2 * MINUTE; ms += 100) isOpen(at('2026-03-02T12:00Z') + ms)
  } finally {
    Intl.DateTimeFormat.prototype.formatToParts = formatToParts
  }
  assert.equal(asked, 2)
})

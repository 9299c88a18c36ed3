import { type BadUse, bad, beyond, ruled, type Uses } from './documents.ts'

const DURATION = 'must be a whole number and a unit, such as 30s, 5m, 1h'
const TIME = 'must be a time of day, such as 08:30'
const ZONE = 'must be an IANA time zone, such as Europe/Zurich'

const when = (window: object): object => ruled({ when: [window] })
const cache = (rest: object): object => ruled({ cache: { ttl: '30s', ...rest } })
const limits = (rest: object): object => ruled({ limits: rest })

/** Texts that are no duration. */
function noDuration(of: (text: unknown) => object, pointer: string): readonly BadUse[] {
  return [
    bad(of(30), pointer, 'must be of type string'),
    ...['30', '30 s', '1.5h', '-1s', '1w', '007s', '9999999999s'].map((text) => bad(of(text), pointer, DURATION)),
  ]
}

/** Texts that are no time of day. */
function noTime(of: (text: unknown) => object, pointer: string): readonly BadUse[] {
  return [
    bad(of(8), pointer, 'must be of type string'),
    ...['8:30', '24:00', '08:60', '08:30:00', '08.30', 'noon'].map((text) => bad(of(text), pointer, TIME)),
  ]
}

/** Keys of `cache`. */
export const CACHE_KEYS: Readonly<Record<string, Uses>> = {
  ttl: {
    good: ['500ms', '30s', '5m', '768h', '2d'].map((ttl) => cache({ ttl })),
    bad: [
      ...noDuration((ttl) => cache({ ttl }), '/rules/0/cache/ttl'),
      beyond(cache({ ttl: '0s' }), '/rules/0/cache/ttl', 'must be above 0; leave "cache" out to keep nothing'),
    ],
  },
  scope: {
    good: [cache({ scope: 'gateway' }), cache({ scope: 'caller' })],
    bad: [bad(cache({ scope: 'all' }), '/rules/0/cache/scope', 'must be one of gateway, caller')],
  },
  staleIfError: {
    good: [cache({ staleIfError: '0s' }), cache({ staleIfError: '10m' })],
    bad: noDuration((staleIfError) => cache({ staleIfError }), '/rules/0/cache/staleIfError'),
  },
}

/** Keys of `limits` that speak of wrapping. */
export const WRAP_KEYS: Readonly<Record<string, Uses>> = {
  minWrapTtl: {
    good: [limits({ minWrapTtl: '1m' }), limits({ minWrapTtl: '5m', maxWrapTtl: '5m' })],
    bad: [
      ...noDuration((minWrapTtl) => limits({ minWrapTtl }), '/rules/0/limits/minWrapTtl'),
      beyond(limits({ minWrapTtl: '0s' }), '/rules/0/limits/minWrapTtl', 'must be above 0'),
    ],
  },
  maxWrapTtl: {
    good: [limits({ maxWrapTtl: '5m' })],
    bad: [
      ...noDuration((maxWrapTtl) => limits({ maxWrapTtl }), '/rules/0/limits/maxWrapTtl'),
      beyond(limits({ maxWrapTtl: '0m' }), '/rules/0/limits/maxWrapTtl', 'must be above 0'),
      beyond(
        limits({ minWrapTtl: '2m', maxWrapTtl: '1m' }),
        '/rules/0/limits/maxWrapTtl',
        'is below "minWrapTtl", so nothing could pass',
      ),
    ],
  },
}

const RATE = 'must be a count of at most nine digits and s, m or h, such as 10/s, 100/m, 1000/h'

/** Keys of `limits` that count. */
export const COUNT_KEYS: Readonly<Record<string, Uses>> = {
  rate: {
    good: ['1/h', '10/s', '999999999/m'].map((rate) => limits({ rate })),
    bad: [
      bad(limits({ rate: 10 }), '/rules/0/limits/rate', 'must be of type string'),
      ...['0/s', '1.5/s', '10', '10/d', '1e3/s', ' 1/s', '9999999999/s'].map((rate) =>
        bad(limits({ rate }), '/rules/0/limits/rate', RATE),
      ),
      bad(
        ruled({ effect: 'deny', limits: { rate: '1/s' } }),
        '/rules/0/limits',
        '"limits" may only stand on a rule whose effect is "allow", not "deny"',
      ),
    ],
  },
  burst: {
    good: [limits({ rate: '10/s', burst: 1 }), limits({ rate: '1/h', burst: 999_999_999 })],
    bad: [
      bad(limits({ burst: 1 }), '/rules/0/limits/burst', 'has a meaning only beside "rate"'),
      bad(limits({ rate: '10/s', burst: '1' }), '/rules/0/limits/burst', 'must be of type integer'),
      bad(limits({ rate: '10/s', burst: 0.5 }), '/rules/0/limits/burst', 'must be of type integer'),
      bad(limits({ rate: '10/s', burst: 0 }), '/rules/0/limits/burst', 'must be >= 1'),
      bad(limits({ rate: '10/s', burst: 1e300 }), '/rules/0/limits/burst', 'must be <= 999999999'),
    ],
  },
}

const HIDES = 'cannot stand beside "leases" or "maxTtl": a wrapped answer would hide its lease'

/** Keys of `limits` that speak of leases. */
export const LEASE_KEYS: Readonly<Record<string, Uses>> = {
  leases: {
    good: [limits({ leases: 1 }), limits({ rate: '10/s', leases: 999_999_999 })],
    bad: [
      bad(limits({ leases: '5' }), '/rules/0/limits/leases', 'must be of type integer'),
      bad(limits({ leases: 0 }), '/rules/0/limits/leases', 'must be >= 1'),
      bad(limits({ leases: 1e9 }), '/rules/0/limits/leases', 'must be <= 999999999'),
      beyond(limits({ leases: 1, minWrapTtl: '1m' }), '/rules/0/limits/minWrapTtl', HIDES),
      beyond(limits({ leases: 1, maxWrapTtl: '1m' }), '/rules/0/limits/maxWrapTtl', HIDES),
    ],
  },
  maxTtl: {
    good: ['1s', '1000ms', '15m', '30d'].map((maxTtl) => limits({ maxTtl })),
    bad: [
      ...noDuration((maxTtl) => limits({ maxTtl }), '/rules/0/limits/maxTtl'),
      ...['0s', '999ms'].map((maxTtl) => beyond(limits({ maxTtl }), '/rules/0/limits/maxTtl', 'must be 1s or more')),
      beyond(limits({ maxTtl: '1h', minWrapTtl: '1m' }), '/rules/0/limits/minWrapTtl', HIDES),
    ],
  },
}

/** Keys of a window of `when`. */
export const WINDOW_KEYS: Readonly<Record<string, Uses>> = {
  days: {
    good: [when({ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] }), when({ days: ['sun', 'sun'] })],
    bad: [
      bad(when({ days: 'mon' }), '/rules/0/when/0/days', 'must be of type array'),
      bad(when({ days: [] }), '/rules/0/when/0/days', 'must NOT have fewer than 1 items'),
      bad(when({ days: ['Monday'] }), '/rules/0/when/0/days/0', 'must be one of mon, tue, wed, thu, fri, sat, sun'),
    ],
  },
  from: {
    good: [when({ from: '08:30' }), when({ days: ['mon'], from: '00:00' })],
    bad: [
      ...noTime((from) => when({ from }), '/rules/0/when/0/from'),
      beyond(
        when({ from: '00:00' }),
        '/rules/0/when/0',
        'is always open; name "days", "from" or "to", or leave "when" out',
      ),
    ],
  },
  to: {
    good: [when({ to: '23:59' }), when({ from: '18:00', to: '00:00' }), when({ from: '22:00', to: '06:00' })],
    bad: [
      ...noTime((to) => when({ to }), '/rules/0/when/0/to'),
      ...[{ from: '08:00', to: '08:00' }, { to: '00:00' }].map((window) =>
        beyond(
          when(window),
          '/rules/0/when/0',
          'opens and closes at the same time; leave "from" and "to" out for whole days',
        ),
      ),
    ],
  },
  timeZone: {
    good: ['UTC', 'Europe/Zurich', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'].map((timeZone) =>
      when({ from: '08:00', timeZone }),
    ),
    bad: [
      bad(when({ days: ['mon'], timeZone: 1 }), '/rules/0/when/0/timeZone', 'must be of type string'),
      ...['', '+01:00', 'Europe / Zurich', '/Zurich', 'a'.repeat(65)].map((timeZone) =>
        bad(when({ days: ['mon'], timeZone }), '/rules/0/when/0/timeZone', ZONE),
      ),
      beyond(
        when({ days: ['mon'], timeZone: 'Europe/Zurch' }),
        '/rules/0/when/0/timeZone',
        'unknown time zone "Europe/Zurch" (did you mean "Europe/Zurich"?); IANA names, such as "Europe/Zurich"',
      ),
      beyond(
        when({ timeZone: 'Europe/Zurich' }),
        '/rules/0/when/0',
        'is always open; name "days", "from" or "to", or leave "when" out',
      ),
    ],
  },
}

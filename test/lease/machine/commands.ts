import fc from 'fast-check'
import type { Fault } from '../../../lib/testing/fake-server/faults.ts'
import { KEYS, type Manner, type World } from './world.ts'

type Target = 'mint' | 'renew' | 'lookup' | 'release' | 'login' | 'token' | 'any'

const TARGETS: Readonly<Record<Target, Fault>> = {
  mint: { path: 'database/creds/*' },
  renew: { path: 'sys/leases/renew' },
  lookup: { path: 'sys/leases/lookup' },
  release: { path: 'sys/leases/revoke' },
  login: { path: 'auth/userpass/*' },
  token: { path: /^auth\/token\// },
  any: {},
}

type Effect = 'sealed' | 'refused' | 'forbidden' | 'cut' | 'lost' | 'late' | 'hung'

const EFFECTS: Readonly<Record<Effect, Fault>> = {
  sealed: { status: 503, errors: ['Vault is sealed'] },
  refused: { status: 400, errors: ['bad'] },
  forbidden: { status: 403, errors: ['permission denied'] },
  cut: { reset: true },
  lost: { reset: true, carriedOut: true },
  late: { delayMs: 2_500 },
  hung: { hang: true },
}

type Form = 'id' | 'url' | 'prefix' | 'force' | 'token'

const FORMS: readonly Form[] = ['id', 'url', 'prefix', 'force', 'token']

/** One thing that happens. */
export type Command =
  | { readonly do: 'read'; readonly key: number }
  | { readonly do: 'hold'; readonly key: number; readonly manner: Manner }
  | { readonly do: 'letGo' | 'look' | 'revokeElsewhere' | 'shorten'; readonly nth: number }
  | { readonly do: 'revokeHere'; readonly form: Form; readonly nth: number }
  | { readonly do: 'fault'; readonly on: Target; readonly how: Effect; readonly times: number }
  | { readonly do: 'pass' | 'jumpWall' | 'freeze'; readonly ms: number }
  | { readonly do: 'heal' | 'killToken' | 'evict' | 'shut' }

const key = fc.nat(KEYS.length - 1)
const nth = fc.nat(5)
const word = <W extends string>(...words: readonly W[]): fc.Arbitrary<W> => fc.constantFrom(...words)

/** Chance of each command: mostly what users do and time that goes by, some of what breaks. */
export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: word('read'), key }) },
  { weight: 4, arbitrary: fc.record({ do: word('hold'), key, manner: word<Manner>('plain', 'slow', 'refusing') }) },
  { weight: 5, arbitrary: fc.record({ do: word('letGo', 'look', 'revokeElsewhere', 'shorten'), nth }) },
  { weight: 2, arbitrary: fc.record({ do: word('revokeHere'), form: word(...FORMS), nth }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: word('fault'),
      on: word(...(Object.keys(TARGETS) as Target[])),
      how: word(...(Object.keys(EFFECTS) as Effect[])),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ do: word('pass'), ms: fc.constantFrom(1, 900, 4_000, 6_000, 15_000, 40_000, 130_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: word('jumpWall'), ms: fc.constantFrom(-3_600_000, -5_000, 1_500, 25_000, 3_600_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: word('freeze'), ms: fc.constantFrom(3_000, 25_000, 200_000) }) },
  { weight: 3, arbitrary: fc.record({ do: word('heal', 'killToken', 'evict') }) },
)

/** Lets it happen. Calls are begun and not waited for. */
export async function happen(world: World, command: Command): Promise<void> {
  const { clock, server, truth } = world
  switch (command.do) {
    case 'read':
      return world.read(command.key)
    case 'hold':
      return world.hold(command.key, command.manner)
    case 'letGo':
      return world.letGo(command.nth)
    case 'look':
      return world.look(command.nth)
    case 'revokeElsewhere':
      return withLease(world, command.nth, (id) => truth.watch('elsewhere', () => server.revokeLease(id)))
    case 'shorten':
      truth.isShortened = true
      return withLease(world, command.nth, (id) => {
        const leftMs = server.leases().find((lease) => lease.id === id)?.ttlMs ?? 0
        // It would be lengthened, also one that was given up in its last second.
        if (leftMs <= 5_000) return
        server.call(server.rootToken, 'POST', 'sys/leases/renew', { lease_id: id, increment: 5 })
      })
    case 'revokeHere':
      return revokeHere(world, command.form, command.nth)
    case 'killToken':
      return truth.watch('token', () => {
        for (const { accessor, path } of server.tokens()) if (path.includes('userpass')) server.revokeToken(accessor)
      })
    case 'fault':
      if (command.on === 'lookup' || command.on === 'token' || command.on === 'any') truth.isBlinded = true
      return void fault(world, { ...TARGETS[command.on], ...EFFECTS[command.how], times: command.times })
    case 'heal':
      return server.clearFaults()
    case 'pass':
      return clock.advance(command.ms)
    case 'jumpWall':
      return clock.jumpWall(command.ms)
    case 'freeze':
      return clock.freeze(command.ms)
    case 'evict':
      return void world.gateway.evict({ all: true })
    case 'shut':
      return world.shut()
  }
}

/** A server that says of a lease or token that lives that it is none would be lying; it may fail in every other way. */
function fault({ server }: World, fault: Fault): void {
  const { status, path } = fault
  const isRefusal = status === 400 || status === 403
  const isLie =
    isRefusal && (path === undefined || path === TARGETS.token.path || (status === 400 && path === TARGETS.lookup.path))
  if (!isLie) server.fault(fault)
}

function withLease({ truth }: World, nth: number, act: (id: string) => void): void {
  const living = truth.living()
  const id = living[nth % living.length]
  if (id !== undefined) act(id)
}

function revokeHere(world: World, form: Form, nth: number): void {
  const { gateway, server, truth } = world
  const send = (path: string, data?: object): void =>
    world.run(async () => {
      const isMeant = (id: string): boolean => form === 'token' || isNamed(form, id, path, data)
      const named = server
        .leases()
        .map(({ id }) => id)
        .filter(isMeant)
      for (const id of named) truth.revoking.add(id)
      try {
        await gateway.write(path, data)
      } finally {
        const living = new Set(server.leases().map(({ id }) => id))
        for (const id of named) truth.revoking.delete(id)
        truth.died(
          named.filter((id) => !living.has(id)),
          form === 'token' ? 'elsewhere' : 'here',
        )
      }
    })
  // Which token it will have been, and when, is not seen from here.
  if (form === 'token') truth.isShortened = true
  if (form === 'token') send('auth/token/revoke-self')
  else
    withLease(world, nth, (id) => {
      const path = id.slice(0, id.lastIndexOf('/'))
      if (form === 'id') send('sys/leases/revoke', { lease_id: id })
      else if (form === 'url') send(`sys/leases/revoke/${id}`)
      else send(`sys/leases/revoke-${form}/${path}`)
    })
}

function isNamed(form: Form, id: string, path: string, data: object | undefined): boolean {
  if (form === 'id') return data !== undefined && 'lease_id' in data && data.lease_id === id
  if (form === 'url') return path.endsWith(id)
  return id.startsWith(path.slice(path.indexOf('/database') + 1))
}

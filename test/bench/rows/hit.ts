import { emptied, LineFile } from '../append.ts'
import { driven } from '../drive.ts'
import { startFixedServer } from '../fixed-server.ts'
import { createFloor } from '../floor.ts'
import { auditFile, governed } from '../governed.ts'
import type { Contestant, Row, Settings } from '../row.ts'

const SHARED = {
  unit: 'µs',
  peerName: 'its floor: lru-cache get, ajv validate, the same entry appended, by hand; HMACs taken as given',
  prepare: async (scope) => ({ address: await startFixedServer(scope), folder: await scope.folder() }),
} as const satisfies Partial<Row>

/** Governed reads of a leased secret that is kept. */
export const rows: readonly Row[] = [
  {
    ...SHARED,
    name: 'hit',
    title: 'governed read of a kept secret, one audit entry to a file, 32 in flight; time a call',
    goal: { relation: '<=', ratio: 1.5 },
    ours: (settings) => ours(settings, 32),
    peer: (settings) => peer(settings, 32),
  },
  {
    ...SHARED,
    name: 'hit-sequential',
    title: 'the same, one after the other',
    goal: undefined,
    ours: (settings) => ours(settings, 1),
    peer: (settings) => peer(settings, 1),
  },
]

async function ours({ address, folder }: Settings, inFlight: number): Promise<Contestant> {
  const path = `${folder}/governed.jsonl`
  const gateway = await governed(String(address), auditFile(path))
  return driven({
    call: () => gateway.read('database/creds/orders'),
    inFlight,
    measure: 'µs',
    reset: () => emptied(path),
    close: () => gateway.close(),
  })
}

async function peer({ folder }: Settings, inFlight: number): Promise<Contestant> {
  const path = `${folder}/floor.jsonl`
  const lines = new LineFile(path)
  return driven({
    call: createFloor((entry) => lines.append(JSON.stringify(entry))),
    inFlight,
    measure: 'µs',
    reset: () => emptied(path),
    close: async () => lines.close(),
  })
}

import { DEVICES, recordingTo } from '../audit-device.ts'
import { driven } from '../drive.ts'
import type { Contestant, Row, Settings } from '../row.ts'

const IN_FLIGHT = 32
/** Texts in what is sent, each of which is hashed. */
const TEXTS = 8

/** What one audit entry costs, by device. */
export const rows: readonly Row[] = [
  ...Object.keys(DEVICES).map((name) => rowOf(name, TEXTS)),
  { ...rowOf('none', 0), name: 'audit-none-bare', title: 'the same without a device, for an entry without data' },
]

function rowOf(device: string, texts: number): Row {
  return {
    name: `audit-${device}`,
    title: `one audit entry of a write of ${texts} texts, device: ${device}, ${IN_FLIGHT} in flight; time an entry`,
    peerName: 'the same entry to a device that does nothing',
    unit: 'µs',
    goal: undefined,
    prepare: async (scope) => ({ folder: await scope.folder() }),
    ours: (settings) => contestant(settings, device, texts),
    peer: (settings) => contestant(settings, 'none', TEXTS),
  }
}

async function contestant({ folder }: Settings, name: string, texts: number): Promise<Contestant> {
  const device = DEVICES[name]?.(String(folder))
  if (device === undefined) throw new RangeError(`no device is called ${name}`)
  const { record, close } = await recordingTo(device.listed, texts)
  return driven({
    call: record,
    inFlight: IN_FLIGHT,
    measure: 'µs',
    ...(device.reset === undefined ? {} : { reset: device.reset }),
    async close(): Promise<void> {
      await close()
      await device.close?.()
    },
  })
}

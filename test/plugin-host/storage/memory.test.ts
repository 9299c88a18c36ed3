import { DRIVER_LIMITS } from '../../../lib/plugin-host/storage/key.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { suite } from './suite.ts'

suite(
  'memory',
  async () => {
    const store = memory()
    return { store, reopen: () => store.open() }
  },
  { ...DRIVER_LIMITS, runs: 200 },
)

import { setTimeout as wait } from 'node:timers/promises'
import type { Gateway } from 'portcullis'
import { green, seconds } from '../screen.ts'
import { until } from '../until.ts'
import type { Scene } from './scene.ts'

const EVERY_MS = 2

interface Ticket {
  readonly number: number
  /** Id of the process that answered. */
  readonly process: number
}

export const killPlugin: Scene = async ({ screen, gateway }) => {
  screen.step(
    'A plugin that is killed',
    'A plugin is a process apart from the host: the next call starts it anew, and other mounts never notice.',
  )
  const { data: first } = await gateway.read<Ticket>('tickets/next/orders')
  screen.say(`ticket ${first.number} from process ${first.process}`)
  await screen.run('read after kill -9', async () => {
    const neighbour = readOn(gateway)
    const startedAt = performance.now()
    process.kill(first.process, 'SIGKILL')
    // A call on its way at that moment would fail with a code of its own; this shows the one after it.
    await until('the process has ended', () => !isRunning(first.process))
    screen.say(`kill -9 ${first.process}: that process is gone`)
    const { data: next } = await gateway.read<Ticket>('tickets/next/orders')
    const ms = performance.now() - startedAt
    const { reads, failures } = await neighbour.stop()
    if (next.process === first.process) throw new Error('the demo expected another process after the kill')
    screen.say(green(`ticket ${next.number} from process ${next.process}, ${seconds(ms)} later`))
    screen.say(`${reads} reads of kv meanwhile, ${failures.length} failed`)
    if (failures.length > 0) throw failures[0]
    return 'answered by a new process'
  })
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0)
  } catch {
    return false
  }
}

interface Readings {
  readonly reads: number
  readonly failures: readonly unknown[]
}

/** Reads of another mount, until it is stopped. */
function readOn(gateway: Gateway): { stop(): Promise<Readings> } {
  const failures: unknown[] = []
  let reads = 0
  let isStopped = false
  const reading = (async () => {
    while (!isStopped) {
      reads += 1
      await gateway.read('kv/data/orders/theme').catch((error: unknown) => failures.push(error))
      await wait(EVERY_MS)
    }
  })()
  return {
    async stop(): Promise<Readings> {
      isStopped = true
      await reading
      return { reads, failures }
    },
  }
}

import type { Contestant, RoundLimits, Row, Settings } from './row.ts'

/** What the process of one side is started with, as its only argument. */
export interface WorkerTask {
  /** URL of the module in `rows/`. */
  readonly module: string
  readonly row: string
  readonly side: 'ours' | 'peer'
  readonly settings: Settings
}

// The parent has gone, however it went: nobody wants the figures any more.
process.on('disconnect', () => process.exit())

const contestant = await setUp(JSON.parse(process.argv[2] ?? '{}') as WorkerTask)
process.on('message', (message: RoundLimits | 'close') => {
  answer(contestant, message).then(
    (sample) => process.send?.({ sample }),
    (error: unknown) => process.send?.({ error: described(error) }),
  )
})
process.send?.({ ready: true })

async function setUp({ module, row: name, side, settings }: WorkerTask): Promise<Contestant> {
  const { rows } = (await import(module)) as { readonly rows: readonly Row[] }
  const row = rows.find((candidate) => candidate.name === name)
  const contestant = await row?.[side]?.(settings)
  if (contestant === undefined) throw new Error(`${module} has no side ${side} of ${name}`)
  return contestant
}

/** No collection is forced in between: it throws compiled code away too, and both sides would be measured cold. */
async function answer(side: Contestant, message: RoundLimits | 'close'): Promise<unknown> {
  return message === 'close' ? side.close() : side.round(message)
}

function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

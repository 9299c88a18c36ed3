import { readdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { type BenchArguments, chosen, parseBenchArguments } from './arguments.ts'
import { contest, type Effort, type FoundRow } from './contest.ts'
import { jsonRow, type Outcome, type Skipped } from './outcome.ts'
import type { Row } from './row.ts'
import { Scope } from './scope.ts'
import { tableOf } from './table.ts'

const FULL: Effort = { rounds: 11, roundMs: 1_000, warmUpMs: 2_000, isQuick: false }
const QUICK: Effort = { rounds: 5, roundMs: 300, warmUpMs: 600, isQuick: true }

/** Runs the rows that were asked for, one after the other. */
async function bench({ names, quick, json }: BenchArguments, scope: Scope): Promise<void> {
  const effort = quick ? QUICK : FULL
  const rows = chosen(await findRows(), names)
  console.log(
    `Node ${process.version}, ${availableParallelism()} cores, ${effort.rounds} rounds of ${effort.roundMs} ms a side`,
  )
  const results: (Outcome | Skipped)[] = []
  for (const row of rows) {
    console.error(`… ${row.name}`)
    results.push(await contest(row, effort, scope))
  }
  console.log(tableOf(results))
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results.map(jsonRow), null, 2)}\n`)
}

async function findRows(): Promise<readonly FoundRow[]> {
  const folder = new URL('./rows/', import.meta.url)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).toSorted()
  const found = names.map(async (name): Promise<readonly FoundRow[]> => {
    const module = new URL(name, folder).href
    const { rows } = (await import(module)) as { readonly rows: readonly Row[] }
    return rows.map((row) => ({ ...row, module }))
  })
  return (await Promise.all(found)).flat()
}

const scope = new Scope()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    void scope.close().then(() => process.exit(130))
  })
}
try {
  await bench(parseBenchArguments(process.argv.slice(2)), scope)
} catch (error) {
  console.error(error instanceof TypeError || error instanceof RangeError ? error.message : error)
  process.exitCode = 1
} finally {
  await scope.close()
}

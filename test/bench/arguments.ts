import { parseArgs } from 'node:util'

/** What the command line asked for. */
export interface BenchArguments {
  /** Names of rows; a name also means the rows that it begins, as `hit` means `hit-otel`. None: all. */
  readonly names: readonly string[]
  readonly quick: boolean
  readonly json: string | undefined
}

/** @throws {TypeError} for an option that does not exist. */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
  })
  return { names: positionals, quick: values.quick, json: values.json }
}

/** The rows that `names` mean, in their own order. @throws {RangeError} for a name that means none. */
export function chosen<T extends { readonly name: string }>(
  rows: readonly T[],
  names: readonly string[],
): readonly T[] {
  const means = (name: string, row: T): boolean => row.name === name || row.name.startsWith(`${name}-`)
  const unknown = names.find((name) => !rows.some((row) => means(name, row)))
  if (unknown !== undefined) {
    throw new RangeError(`no row is called ${unknown}; there are ${rows.map(({ name }) => name).join(', ')}`)
  }
  return names.length === 0 ? rows : rows.filter((row) => names.some((name) => means(name, row)))
}

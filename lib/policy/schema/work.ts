import type { Part } from './parts.ts'

const WORK_MAX = 1000
/** Deepest data that is judged; what is nested deeper is refused before. */
const DATA_DEPTH = 100

/** A part that judges a value, and how often. */
type Counts = ReadonlyMap<Part, number>

/** What of a value is looked at: a property, an item or the names; `key` where parts tell it from others. */
interface Below {
  readonly of: 'property' | 'item' | 'names'
  readonly key: string | number | undefined
}

/**
 * Refuses a schema that judges a value so often that a caller could make it take for ever.
 *
 * A part that two others refer to judges twice. Where the two are referred to twice in their turn, and so on, or where a
 * part leads back to itself in two ways, the number doubles with each step: thirty of them are a thousand million.
 *
 * @param max - Most parts that may judge one value, each counted as often as it does.
 * @throws {PolicyLoadError} at the least part that does so.
 */
export function checkWork(root: Part, max: number = WORK_MAX): void {
  const closures = new Closures()
  const states = reached(root, closures)
  refuseAbove(closures.totals(), max)
  let work = new Map([...states].map(([part, { own }]) => [part, total(own)]))
  for (let depth = 0; depth < DATA_DEPTH; depth += 1) {
    const before = work
    work = new Map([...states].map(([part, { below }]) => [part, Math.max(before.get(part) ?? 0, most(below, before))]))
    refuseAbove(work, max)
    if ([...work].every(([part, count]) => before.get(part) === count)) return
  }
}

function refuseAbove(work: ReadonlyMap<Part, number>, max: number): void {
  const above = [...work].filter(([, count]) => count > max).sort(([, a], [, b]) => a - b)[0]
  if (above === undefined) return
  throw above[0].place.refusal(
    `could judge one value more than ${max} times over: its parts lead to the same ones in several ways`,
  )
}

/** The most that could judge one value below: by the property or item where the most do. */
function most(below: readonly Counts[], work: ReadonlyMap<Part, number>): number {
  const sums = below.map((counts) => [...counts].reduce((sum, [part, count]) => sum + count * (work.get(part) ?? 0), 0))
  return Math.max(0, ...sums)
}

/** What judges a value that a part judges, and what judges the parts of that value. */
interface State {
  readonly own: Counts
  readonly below: readonly Counts[]
}

/** The parts that some value is judged by first, from `root` down. */
function reached(root: Part, closures: Closures): ReadonlyMap<Part, State> {
  const states = new Map<Part, State>()
  const open = [root]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (states.has(part)) continue
    const own = closures.of(part)
    const below = labels(own).map((label) => countsBelow(own, label))
    states.set(part, { own, below })
    open.push(...below.flatMap((counts) => [...counts.keys()]))
  }
  return states
}

/** For a part, all that judge the same value with it. */
class Closures {
  readonly #known = new Map<Part, Counts>()
  readonly #open = new Set<Part>()

  /** How many there are, for all that were asked for. */
  totals(): ReadonlyMap<Part, number> {
    return new Map([...this.#known].map(([part, counts]) => [part, total(counts)]))
  }

  of(part: Part): Counts {
    const known = this.#known.get(part)
    if (known !== undefined) return known
    if (this.#open.has(part))
      throw part.place.refusal('refers to itself for the same value, so nothing could ever pass')
    this.#open.add(part)
    const counts = new Map([[part, 1]])
    for (const other of part.same) for (const [below, count] of this.of(other)) add(counts, below, count)
    this.#open.delete(part)
    this.#known.set(part, counts)
    return counts
  }
}

function labels(own: Counts): readonly Below[] {
  const parts = [...own.keys()]
  const names = new Set(parts.flatMap(({ named }) => [...named.keys()]))
  const places = Math.max(0, ...parts.map(({ placed }) => placed.length))
  return [
    ...[...names, undefined].map((key) => ({ of: 'property', key }) as const),
    ...Array.from({ length: places + 1 }, (_, key) => ({ of: 'item', key }) as const),
    { of: 'names', key: undefined },
  ]
}

function countsBelow(own: Counts, label: Below): Counts {
  const counts = new Map<Part, number>()
  for (const [part, count] of own) for (const below of partsBelow(part, label)) add(counts, below, count)
  return counts
}

function partsBelow(
  { named, unnamed, matched, placed, rest, contained, names }: Part,
  { of, key }: Below,
): readonly Part[] {
  if (of === 'names') return names
  const [own, others, any] =
    of === 'property'
      ? [typeof key === 'string' ? named.get(key) : undefined, unnamed, matched]
      : [typeof key === 'number' ? placed[key] : undefined, rest, contained]
  const first = own === undefined ? others : [own]
  if (any.length === 0) return first
  return first.length === 0 ? any : [...first, ...any]
}

/** Adds; what is far beyond the limit is as good as any number. */
function add(counts: Map<Part, number>, part: Part, count: number): void {
  counts.set(part, Math.min((counts.get(part) ?? 0) + count, 1e9))
}

function total(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

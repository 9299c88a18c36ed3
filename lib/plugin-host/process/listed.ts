import { Buffer } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StorePage } from '../../ports/store.ts'
import type { ListPart } from './overlay.ts'
import type { Turns } from './turns.ts'

/** How much one list may be, and how many long ones may be under way. */
export interface ListBounds {
  readonly maxBytes: number
  readonly turns: Turns
}

/** The names are more than a message may hold. */
export class ListTooLarge extends Error {}

/** Names that are asked of the store in one piece, in which the host does nothing else. */
const PAGE = 1000
/** What a name takes in a message beside its letters, at most. */
const NAME_OVERHEAD = 4

/**
 * All names that `part` gives for `page`, asked for in small parts with a turn of the event loop between: a plugin that
 * has a million of them keeps nobody else waiting.
 *
 * @throws {ListTooLarge}
 */
export async function listed(
  part: ListPart,
  { after = '', limit = Infinity }: StorePage,
  { maxBytes, turns }: ListBounds,
): Promise<readonly string[]> {
  const first = await part({ after, limit: Math.min(PAGE, limit) })
  if (first.length < PAGE || first.length >= limit) return first
  const turn = turns.begin(1)
  if (turn !== undefined) await turn
  try {
    const names = [...first]
    let bytes = sizeOf(first)
    for (let some = first; some.length === PAGE && names.length < limit; ) {
      await nextTurn()
      some = await part({ after: some.at(-1) ?? '', limit: Math.min(PAGE, limit - names.length) })
      bytes += sizeOf(some)
      if (bytes > maxBytes) throw new ListTooLarge(`the list is larger than ${maxBytes} bytes: ask for it in pages`)
      names.push(...some)
    }
    return names
  } finally {
    turns.end(1)
  }
}

function sizeOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + Buffer.byteLength(name) + NAME_OVERHEAD, 0)
}

import type { Random } from '../../ports/random.ts'

/** `count` whole numbers from 0 to below `bound`, each as likely as any other: what would tip the scale is drawn anew. */
export function randomIndexes(random: Random, count: number, bound: number): number[] {
  const width = bound <= 0x100 ? 1 : 3
  const range = 0x100 ** width
  const limit = range - (range % bound)
  const indexes: number[] = []
  while (indexes.length < count) {
    const bytes = random.bytes((count - indexes.length) * width)
    for (let at = 0; at < bytes.length; at += width) {
      let value = 0
      for (let offset = 0; offset < width; offset += 1) value = value * 0x100 + (bytes[at + offset] ?? 0)
      if (value < limit) indexes.push(value % bound)
    }
  }
  return indexes
}

import { pointerOf } from './place.ts'

/** A place in a text, as editors count: both from 1, columns in UTF-16 units. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/** Where the part at a JSON pointer stands: a member at its name, an item at its value. `undefined` for what is not there. */
export type Locate = (pointer: string) => TextPosition | undefined

/** Places of the parts of a JSON text that has been parsed; found out at first need. */
export function locateIn(text: string): Locate {
  let known: { readonly offsets: ReadonlyMap<string, number>; readonly starts: readonly number[] } | undefined
  return (pointer) => {
    known ??= { offsets: new Walk(text).offsets, starts: lineStarts(text) }
    const offset = known.offsets.get(pointer)
    return offset === undefined ? undefined : positionAt(known.starts, offset)
  }
}

/** Offsets at which lines begin. */
function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function positionAt(starts: readonly number[], offset: number): TextPosition {
  let [low, high] = [0, starts.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
}

const SPACE = /[ \t\n\r\uFEFF]*/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const OTHER = /[^,\]}\s]*/y

/** Walks over a text that is known to be JSON, and keeps where each part begins. */
class Walk {
  readonly offsets = new Map<string, number>()
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#take(SPACE)
    this.offsets.set('', this.#at)
    this.#value('')
  }

  #value(pointer: string): void {
    const first = this.#text[this.#at]
    if (first === '{') this.#members(pointer)
    else if (first === '[') this.#items(pointer)
    else this.#take(first === '"' ? STRING : OTHER)
  }

  #members(pointer: string): void {
    this.#listed('}', () => {
      const start = this.#at
      const name = JSON.parse(this.#take(STRING)) as string
      const below = pointer + pointerOf([name])
      this.offsets.set(below, start)
      this.#take(SPACE)
      this.#at += 1
      this.#take(SPACE)
      this.#value(below)
    })
  }

  #items(pointer: string): void {
    let index = 0
    this.#listed(']', () => {
      const below = `${pointer}/${index++}`
      this.offsets.set(below, this.#at)
      this.#value(below)
    })
  }

  /** What stands between brackets, commas between. */
  #listed(end: string, read: () => void): void {
    this.#at += 1
    this.#take(SPACE)
    while (this.#text[this.#at] !== end) {
      read()
      this.#take(SPACE)
      if (this.#text[this.#at] !== ',') break
      this.#at += 1
      this.#take(SPACE)
    }
    this.#at += 1
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }
}

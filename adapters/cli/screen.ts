import { createInterface } from 'node:readline/promises'
import { styleText } from 'node:util'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Where a command writes: results on stdout, the rest on stderr. */
export interface Screen {
  readonly isJson: boolean
  /** A result: `lines` for people, `value` for machines. */
  result(value: unknown, lines: readonly string[]): void
  /** What is being done. Not shown to machines. */
  progress(message: string): void
  note(message: string): void
  styled(style: Style, text: string): string
  /** May somebody be asked? */
  readonly canAsk: boolean
  /** Asks on the terminal. Only a `y` is a yes. */
  confirm(question: string, signal: AbortSignal): Promise<boolean>
}

/** Longest text of foreign origin that is shown, in UTF-16 units. */
const MAX_SHOWN = 300

export function createScreen(options: { readonly json?: boolean }): Screen {
  const { stdin, stdout, stderr, env } = process
  const isJson = options.json === true
  const isColoured = !isJson && stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  const say = (line: string): void => void stderr.write(`${line}\n`)
  return {
    isJson,
    result(value, lines) {
      const text = isJson ? JSON.stringify(value, undefined, 2) : lines.join('\n')
      if (text !== '') stdout.write(`${text}\n`)
    },
    progress: (message) => (isJson ? undefined : say(shown(message))),
    note: say,
    styled: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
    canAsk: !isJson && stdin.isTTY === true && stderr.isTTY === true,
    async confirm(question, signal) {
      const asking = createInterface({ input: stdin, output: stderr })
      try {
        const answer = await asking.question(`${question} [y/N] `, { signal })
        return /^y(?:es)?$/i.test(answer.trim())
      } finally {
        asking.close()
      }
    },
  }
}

/** Foreign text on one line, bounded, without what a terminal takes as orders or what turns its direction. */
export function shown(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
  return plain.length > MAX_SHOWN ? `${plain.slice(0, MAX_SHOWN)}…` : plain
}

/** Columns, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const isTerminal = process.stdout.isTTY === true && process.env.NO_COLOR === undefined

const paint =
  (code: number) =>
  (text: string): string =>
    isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text

/** Colours, on a terminal only. */
export const bold: (text: string) => string = paint(1)
export const dim: (text: string) => string = paint(2)
export const green: (text: string) => string = paint(32)
export const red: (text: string) => string = paint(31)

/** A length of time for people, to a tenth of a second. */
export function seconds(ms: number): string {
  return ms === Infinity ? 'for ever' : `${Number((ms / 1000).toFixed(1))} s`
}

/** What happened, for the table at the end. */
export interface Row {
  readonly what: string
  readonly outcome: string
  readonly ms: number
}

/** Prints the demo, step by step, and remembers what happened. */
export interface Screen {
  /** A new step, with one line of why it matters. */
  step(title: string, why: string): void
  /** A line below the step. */
  say(text: string): void
  /** Runs `act`, which gives the outcome in a few words, and notes how long it took. */
  run(what: string, act: () => Promise<string>): Promise<void>
  table(): void
}

export function createScreen(): Screen {
  const rows: Row[] = []
  let steps = 0
  return {
    step(title, why): void {
      steps += 1
      console.log(`\n${bold(`${steps}. ${title}`)}\n   ${dim(why)}`)
    },
    say: (text) => console.log(`   ${text}`),
    async run(what, act): Promise<void> {
      const startedAt = performance.now()
      const outcome = await act()
      rows.push({ what, outcome, ms: performance.now() - startedAt })
    },
    table(): void {
      const width = (pick: (row: Row) => string): number => Math.max(...rows.map((row) => pick(row).length))
      const [first, second] = [width((row) => row.what), width((row) => row.outcome)]
      console.log(`\n${bold('What happened')}`)
      for (const { what, outcome, ms } of rows) {
        console.log(`   ${what.padEnd(first)}  ${outcome.padEnd(second)}  ${ms.toFixed(1).padStart(7)} ms`)
      }
    },
  }
}

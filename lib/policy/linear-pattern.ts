import type { PatternProblem } from './vocabulary.ts'

/** Largest program that a pattern may be, in steps for each character at worst: `[a-z]{1,1000}` has 2,000. */
const PROGRAM_MAX = 5000
/** Steps that all patterns of one check may take at worst: about two seconds. */
const STEPS_MAX = 50_000_000
/** Memory that one pattern may use to remember its states. */
const STATES_MAX_BYTES = 1024 * 1024

/** What ajv asks of a compiled pattern; `toString` must tell two patterns apart, since ajv stores them by it. */
export interface LinearPattern {
  /** @throws {TooMuchText} more than the check may take. */
  test(text: string): boolean
  toString(): string
}

/** Compiles patterns so that matching takes time linear in the text. */
export interface PatternEngine {
  compile(pattern: string): LinearPattern
  readonly problem: PatternProblem
}

/** A text that is too long for the patterns of a schema. It does not fail them: `not` would make a pass of that. */
export class TooMuchText extends Error {}

let stepsLeft = STEPS_MAX

/** Begins a check: what its patterns may take is counted from here. */
export function beginPatterns(): void {
  stepsLeft = STEPS_MAX
}

/** The engine, loaded when first needed: most policies have no pattern. */
export async function loadPatternEngine(): Promise<PatternEngine> {
  const { RE2JS } = await import('re2js')
  const compile = (pattern: string): LinearPattern & { readonly size: number } => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
    const size = compiled.programSize()
    const { dfa } = compiled.re2()
    dfa.stateBudget = STATES_MAX_BYTES
    dfa.memBudget = STATES_MAX_BYTES
    const test = (text: string): boolean => {
      stepsLeft -= size * (text.length + 1)
      if (stepsLeft < 0) throw new TooMuchText()
      return compiled.test(text)
    }
    return { test, toString: () => `/${pattern}/u`, size }
  }
  return {
    compile,
    problem: (pattern) => {
      try {
        const { size } = compile(pattern)
        return size <= PROGRAM_MAX ? undefined : `it takes up to ${size} steps a character, more than ${PROGRAM_MAX}`
      } catch (error) {
        // The engine's words quote the operator's pattern, nothing else.
        return `${(error as Error).message} (look-ahead, look-behind and back-references are not supported)`
      }
    },
  }
}

/** Stands in where no schema has a pattern. */
export const NO_PATTERNS: PatternEngine = Object.freeze({
  compile: () => {
    throw new Error('no pattern engine is loaded')
  },
  problem: () => 'no pattern engine is loaded',
})

import type { PatternProblem } from './vocabulary.ts'

/** What ajv asks of a compiled pattern; `toString` must tell two patterns apart, since ajv stores them by it. */
export interface LinearPattern {
  test(text: string): boolean
  toString(): string
}

/** Compiles patterns so that matching takes time linear in the text. */
export interface PatternEngine {
  compile(pattern: string): LinearPattern
  readonly problem: PatternProblem
}

/** The engine, loaded when first needed: most policies have no pattern. */
export async function loadPatternEngine(): Promise<PatternEngine> {
  const { RE2JS } = await import('re2js')
  const compile = (pattern: string): LinearPattern => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
    return { test: (text) => compiled.test(text), toString: () => `/${pattern}/u` }
  }
  return {
    compile,
    problem: (pattern) => {
      try {
        compile(pattern)
        return undefined
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

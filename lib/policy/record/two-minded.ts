import type { JsonObject } from '../../model/json.ts'
import { createPolicyEngine, type PolicyEngine } from '../engine.ts'
import { beginPatterns, loadPatternEngine, type PatternEngine, TooMuchText } from '../linear-pattern.ts'
import { loadSchemaCompiler, type SchemaCheck, type SchemaCompiler } from '../schema-compiler.ts'
import type { PolicyDocument } from '../verdict.ts'
import { passes, type Truth } from './three-valued.ts'
import type { Recorded } from './unknown-text.ts'

/** The same policies twice: what a record leaves open passes for the one, and fails for the other. */
export interface TwoMinded {
  readonly hopeful: PolicyEngine
  readonly doubtful: PolicyEngine
  /** The time at which both judge. */
  at(timeMs: number): void
}

const FAILS = Object.freeze({ pointer: '', keyword: '', hint: 'does not pass' })

/**
 * Engines for `documents` that bound what is decided of a record. Only rules that allow have schemas, so that what passes
 * more is allowed more: where both say the same, nothing that the record hides could change it.
 *
 * @throws {PolicyLoadError} as loading the documents does.
 */
export async function createTwoMinded(documents: readonly PolicyDocument[], namespace: string): Promise<TwoMinded> {
  // Refuses what the gateway would refuse.
  await createPolicyEngine(documents, { namespace })
  const [base, patterns] = await Promise.all([
    loadSchemaCompiler(documents.map(({ document }) => document as JsonObject)),
    loadPatternEngine(),
  ])
  let nowMs = 0
  const clock = { wallTime: (): number => nowMs }
  const engine = (open: boolean): Promise<PolicyEngine> =>
    createPolicyEngine(documents, { namespace, clock, compiler: compiler(base, patterns, open) })
  const [hopeful, doubtful] = await Promise.all([engine(true), engine(false)])
  return {
    hopeful,
    doubtful,
    at(timeMs): void {
      nowMs = timeMs
    },
  }
}

function compiler(base: SchemaCompiler, patterns: PatternEngine, open: boolean): SchemaCompiler {
  return {
    documentErrors: base.documentErrors,
    check(schema): SchemaCheck {
      const whole: JsonObject = { type: 'object', ...schema }
      return (data) => ((judged(whole, data as Recorded, patterns) ?? open) ? undefined : FAILS)
    },
  }
}

/** As a check of the gateway's own: what its patterns may take is counted from here, and what takes more is left open. */
function judged(schema: JsonObject, data: Recorded, patterns: PatternEngine): Truth {
  beginPatterns()
  try {
    return passes(schema, data, patterns)
  } catch (error) {
    if (error instanceof TooMuchText) return undefined
    throw error
  }
}

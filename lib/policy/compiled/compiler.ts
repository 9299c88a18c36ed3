import { COMPILED_FORMAT, type CompiledPolicies } from '../../model/compiled-policies.ts'
import { loadPatternEngine, NO_PATTERNS, type PatternEngine } from '../linear-pattern.ts'
import { Place } from '../place.ts'
import { checkWith, type SchemaCheck, type SchemaCompiler } from '../schema-compiler.ts'
import { checkSchema, usesPatterns } from '../vocabulary.ts'
import { RUNTIME } from './runtime.ts'

/** Stands in messages for the module, which knows no name of its own. */
const MODULE = 'compiled policies'

/**
 * A compiler that compiles nothing: its checks were generated beforehand. Loads no ajv.
 *
 * @throws {PolicyLoadError} the module was made by another version.
 */
export async function loadCompiled(policies: CompiledPolicies): Promise<SchemaCompiler> {
  if (policies.format !== COMPILED_FORMAT)
    throw stale(`they are ${policies.format}, and this version reads ${COMPILED_FORMAT}`)
  const hasPatterns = policies.documents.some(({ document }) => usesPatterns(document))
  return compiler(policies, hasPatterns ? await loadPatternEngine() : NO_PATTERNS)
}

/** The refusal of a module that does not fit. */
export function stale(why: string): Error {
  return new Place(MODULE).refusal(`${why}; run "portcullis policy compile" again`)
}

function compiler({ checks }: CompiledPolicies, patterns: PatternEngine): SchemaCompiler {
  const runtime = { ...RUNTIME, linearPattern: (pattern: string) => patterns.compile(pattern) }
  const known = new Map<string, SchemaCheck>()
  return {
    // Their structure was checked when they were compiled, and the digest says that they are the same.
    documentErrors: () => [],
    check(schema, use, place): SchemaCheck {
      const text = JSON.stringify(schema)
      const key = `${use} ${text}`
      const before = known.get(key)
      if (before !== undefined) return before
      const factory = Object.hasOwn(checks, text) ? checks[text] : undefined
      if (factory === undefined) throw stale(`the schema ${place.pointer} of ${place.file} is not among them`)
      const facts = checkSchema(schema, use, place, patterns.problem)
      const check = checkWith(factory(runtime), { type: 'object', ...schema }, facts)
      known.set(key, check)
      return check
    },
  }
}

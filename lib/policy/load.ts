import type { ErrorObject } from 'ajv/dist/2020.js'
import { TOKEN_ATTRIBUTE } from '../model/caller.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { copyDocument } from './document.ts'
import { suggestion } from './nearest.ts'
import { PathIndex } from './path-index.ts'
import { keysOf, Place } from './place.ts'
import { type Rule, readRule } from './rule.ts'
import type { RuleSet } from './rule-set.ts'
import { loadSchemaCompiler, type SchemaCheck, type SchemaCompiler } from './schema-compiler.ts'
import { FORMS } from './structure.ts'
import { subjectKey } from './subject-index.ts'
import { Templates } from './template/templates.ts'
import type { PolicyDocument } from './verdict.ts'
import { createZones } from './when/zones.ts'

/** All policies, loaded. */
export interface LoadedPolicies {
  /** In the order given. */
  readonly policies: readonly string[]
  /** Of policies that are enforced. */
  readonly sets: readonly RuleSet[]
  /** Those and the ones of mode shadow, in the order loaded; `undefined` without such. */
  readonly together: readonly RuleSet[] | undefined
  /** Some rule has time windows. */
  readonly isTimed: boolean
}

/**
 * Reads documents and everything in them; one bad document and nothing is loaded.
 *
 * @param namespace - Of policies that name none; canonical.
 * @param compiler - Default: one that compiles here, with ajv.
 * @throws {PolicyLoadError} for the first fault, by file and JSON pointer.
 */
export async function loadPolicies(
  documents: readonly PolicyDocument[],
  namespace: string,
  compiler?: SchemaCompiler,
): Promise<LoadedPolicies> {
  if (documents.length === 0) return { policies: [], sets: [], together: undefined, isTimed: false }
  const copies = documents.map(({ file, document }) => copyDocument(document, new Place(file)))
  const loader = new Loader(compiler ?? (await loadSchemaCompiler(copies)), namespace)
  documents.forEach(({ file }, at) => {
    loader.add(copies[at] ?? null, new Place(file))
  })
  const sets = [...loader.sets.values()]
  return {
    policies: [...loader.files.keys()],
    sets: sets.filter(({ isShadow }) => !isShadow),
    together: sets.some(({ isShadow }) => isShadow) ? sets : undefined,
    isTimed: loader.isTimed,
  }
}

interface OpenRuleSet extends RuleSet {
  readonly policies: string[]
  readonly allows: Rule[]
  readonly rules: PathIndex<Rule>
  readonly forbids: PathIndex<Rule>
  templates: Templates | undefined
}

class Loader {
  /** Policy names, and the files they are in. */
  readonly files = new Map<string, string>()
  readonly sets = new Map<string, OpenRuleSet>()
  isTimed = false
  readonly #compiler: SchemaCompiler
  readonly #zones = createZones()
  readonly #namespace: string
  #ordinal = 0

  constructor(compiler: SchemaCompiler, namespace: string) {
    this.#compiler = compiler
    this.#namespace = namespace
  }

  add(document: JsonValue, place: Place): void {
    const source = this.#checked(document, place)
    const policy = source.policy as string
    const other = this.files.get(policy)
    if (other !== undefined) {
      throw place.at('policy').refusal(`the policy ${JSON.stringify(policy)} is already defined in ${other}`)
    }
    this.files.set(policy, place.file)
    const set = this.#setFor(source, place)
    set.policies.push(policy)
    for (const rule of this.#rules(source, policy, place)) {
      if (rule.effect === 'allow') set.allows.push(rule)
      if (rule.slots.length > 0) {
        set.templates ??= new Templates()
        set.templates.add(rule)
      } else {
        const index = rule.effect === 'forbid' ? set.forbids : set.rules
        index.add(rule.pattern, rule)
      }
    }
  }

  #checked(document: JsonValue, place: Place): JsonObject {
    const error = this.#compiler.documentErrors(document)[0]
    if (error !== undefined) throw structureRefusal(error, place)
    if (!isJsonObject(document)) throw place.refusal('must be an object')
    return document
  }

  #setFor(source: JsonObject, place: Place): OpenRuleSet {
    const namespace = typeof source.namespace === 'string' ? source.namespace : this.#namespace
    const problem = namespaceProblem(namespace)
    if (problem !== undefined) throw place.at('namespace').refusal(problem)
    const isShadow = source.mode === 'shadow'
    const key = JSON.stringify([namespace, source.subject ?? null, isShadow])
    let set = this.sets.get(key)
    if (set === undefined) {
      const subject = this.#subject(source.subject, place.at('subject'))
      const asksForToken = demandsToken(source.subject)
      const indexes = { rules: new PathIndex<Rule>(), forbids: new PathIndex<Rule>(), templates: undefined }
      set = {
        namespace,
        subject,
        subjectKey: subjectKey(source.subject),
        asksForToken,
        isShadow,
        policies: [],
        allows: [],
        ...indexes,
      }
      this.sets.set(key, set)
    }
    return set
  }

  #subject(subject: JsonValue | undefined, place: Place): SchemaCheck | undefined {
    return isJsonObject(subject) ? this.#compiler.check(subject, 'subject', place) : undefined
  }

  #rules(source: JsonObject, policy: string, place: Place): readonly Rule[] {
    const ids = new Set<string>()
    return (source.rules as readonly JsonObject[]).map((rule, index) => {
      const here = place.at('rules', index)
      this.#ordinal += 1
      const context = { policy, index, ordinal: this.#ordinal, compiler: this.#compiler, zones: this.#zones }
      const read = readRule(rule, here, context)
      this.isTimed ||= read.windows !== undefined
      if (ids.has(read.id)) throw here.at('id').refusal(`the id ${JSON.stringify(read.id)} stands twice in this policy`)
      ids.add(read.id)
      return read
    })
  }
}

/** What is wrong with a namespace's form; `undefined` for a canonical one. */
export function namespaceProblem(namespace: string): string | undefined {
  if (namespace === '') return undefined
  const segments = namespace.split('/')
  const isBad = segments.some((segment) => segment === '' || segment === '.' || segment === '..')
  if (isBad)
    return 'a namespace has no slash at either end and no empty, . or .. segment: team-a/sub, or "" for the root'
  if (!namespace.isWellFormed() || /[\u0000-\u001f\u007f-\u009f+*]/.test(namespace)) {
    return 'a namespace must not have control characters, lone surrogates, + or *'
  }
  return undefined
}

/** What `error` of one of our own schemas says of a document. */
export function structureRefusal(error: ErrorObject, place: Place): Error {
  const here = place.at(...keysOf(error.instancePath))
  const { params, keyword } = error
  if (keyword === 'additionalProperties') {
    const name: string = params.additionalProperty
    return here.at(name).refusal(`unknown key ${JSON.stringify(name)}${suggestion(name, knownKeys(error))}`)
  }
  if (keyword === 'required') return here.refusal(`the key ${JSON.stringify(params.missingProperty)} is missing`)
  if (keyword === 'enum') return here.refusal(`must be one of ${params.allowedValues.join(', ')}`)
  if (keyword === 'type') return here.refusal(`must be of type ${params.type}`)
  const form = FORMS.find(([name]) => error.schemaPath.startsWith(`#/$defs/${name}/`))
  if (form !== undefined) return here.refusal(`must be ${form[1]}`)
  return here.refusal(error.message ?? 'is not valid')
}

/** Keys that the part of the policy schema which refused knows. */
function knownKeys({ parentSchema }: ErrorObject): readonly string[] {
  return Object.keys(Object(parentSchema?.properties))
}

/** At its top: a demand that lies deeper, or in one of several branches, is none. */
function demandsToken(subject: JsonValue | undefined): boolean {
  return isJsonObject(subject) && Array.isArray(subject.required) && subject.required.includes(TOKEN_ATTRIBUTE)
}

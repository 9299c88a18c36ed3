import type { Operation } from '../model/operation.ts'
import type { PathEntry, PathLookup } from './path-index.ts'
import { comparePatterns } from './pattern.ts'
import type { Rule } from './rule.ts'
import type { SchemaCheck } from './schema-compiler.ts'
import type { SubjectKey } from './subject-index.ts'
import type { Unresolved } from './template/resolved-index.ts'
import type { Templates } from './template/templates.ts'

/** The rules of all policies that share a namespace, a subject and a mode: they bind a caller together or not at all. */
export interface RuleSet {
  readonly namespace: string
  /** `undefined` binds every caller. */
  readonly subject: SchemaCheck | undefined
  /** What of it can be looked up. */
  readonly subjectKey: SubjectKey | undefined
  /** Does the subject demand the attribute `token`? Only such sets bind the holder of a token as such. */
  readonly asksForToken: boolean
  /** Of policies of mode shadow. */
  readonly isShadow: boolean
  /** Names, in the order loaded. */
  readonly policies: readonly string[]
  /** Rules that allow or deny. */
  readonly rules: PathLookup<Rule>
  readonly forbids: PathLookup<Rule>
  /** Rules that allow, in the order loaded. */
  readonly allows: readonly Rule[]
  /** Rules whose paths have templates; `undefined` for none. */
  readonly templates: Templates | undefined
  /** Of a set that is resolved for a caller: rules that would match the path if their templates were resolved. */
  readonly unresolved?: (path: string) => readonly Unresolved[]
}

/** Forms under which a request's path is looked up. */
export interface PathForms {
  /** As the server sees it: it adds a trailing slash to what is listed or scanned. */
  readonly asked: string
  /** Without trailing slash. */
  readonly bare: string
  readonly isListing: boolean
}

/** The forms of `path` for `operation`. */
export function pathForms(operation: Operation, path: string): PathForms {
  const isListing = operation === 'list' || operation === 'scan'
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  return { asked: isListing ? `${bare}/` : path, bare, isListing }
}

/**
 * The rules at each pattern that matches, group by group, the one that the server lets win first; each in the order loaded.
 *
 * Exact beats wildcard. What is listed is also looked for without its trailing slash, exact before
 * wildcard; other operations take the path as it is. Measured on OpenBao 2.7.2; older ones and Vault
 * look among the wildcards without the slash first, which differs where both forms have a match.
 *
 * The first group costs a look-up. Only who asks for more pays for everything that matches.
 *
 * @see https://openbao.org/docs/concepts/policies/ - priority matching
 */
export function* winningGroups(
  sets: readonly RuleSet[],
  { asked, bare, isListing }: PathForms,
): Generator<readonly Rule[]> {
  const paths = isListing ? [asked, bare] : [asked]
  for (const path of paths) {
    const found = sets.flatMap(({ rules }) => rules.exact(path) ?? [])
    if (found.length > 0) yield merged(found)
  }
  for (const path of paths) {
    const [first] = grouped(sets.flatMap(({ rules }) => rules.best(path) ?? []))
    if (first === undefined) continue
    yield merged(first)
    const [_, ...others] = grouped(sets.flatMap(({ rules }) => rules.wildcards(path)))
    for (const group of others) yield merged(group)
  }
}

/**
 * The rules of the winning group; empty where none matches.
 *
 * @param silent - Rules that say nothing now, as if they were not there.
 */
export function winningRules(sets: readonly RuleSet[], forms: PathForms, silent: ReadonlySet<Rule>): readonly Rule[] {
  for (const group of winningGroups(sets, forms)) {
    const rules = group.filter((rule) => !silent.has(rule))
    if (rules.length > 0) return rules
  }
  return []
}

/** Entries of one pattern together, most specific pattern first. */
function grouped(entries: readonly PathEntry<Rule>[]): readonly (readonly PathEntry<Rule>[])[] {
  const groups = new Map<string, PathEntry<Rule>[]>()
  for (const entry of [...entries].sort((a, b) => comparePatterns(b.pattern, a.pattern))) {
    const group = groups.get(entry.pattern.text)
    if (group === undefined) groups.set(entry.pattern.text, [entry])
    else group.push(entry)
  }
  return [...groups.values()]
}

/**
 * Every forbid rule that matches, in the order loaded.
 *
 * Looser than the server's own matching on purpose: many backends take `a/b/` for `a/b`, so a trailing slash on
 * either side is no way around an exact path, nor one on the request around a pattern.
 */
export function forbiddingRules(sets: readonly RuleSet[], { asked, bare }: PathForms): readonly Rule[] {
  const found = sets.flatMap(({ forbids }) => [
    ...[bare, `${bare}/`].map((path) => forbids.exact(path)).filter((entry) => entry !== undefined),
    ...forbids.wildcards(bare),
    ...(asked === bare ? [] : forbids.wildcards(asked)),
  ])
  return merged([...new Set(found)])
}

/** Every rule that allows or denies and matches in any form, most specific first; for explanations. */
export function matchingRules(sets: readonly RuleSet[], { asked, bare, isListing }: PathForms): readonly Rule[] {
  const paths = isListing ? [asked, bare] : [asked]
  const found = sets.flatMap(({ rules }) => [
    ...paths.map((path) => rules.exact(path)).filter((entry) => entry !== undefined),
    ...paths.flatMap((path) => rules.wildcards(path)),
  ])
  return [...new Set(found)].flatMap(({ values }) => values).sort((a, b) => rank(b, a) || a.ordinal - b.ordinal)
}

function rank(a: Rule, b: Rule): number {
  return Number(a.pattern.isExact) - Number(b.pattern.isExact) || comparePatterns(a.pattern, b.pattern)
}

function merged(entries: readonly PathEntry<Rule>[]): readonly Rule[] {
  return entries.flatMap(({ values }) => values).sort((a, b) => a.ordinal - b.ordinal)
}

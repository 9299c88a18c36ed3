import type { Operation } from '../model/operation.ts'
import type { PathEntry, PathLookup } from './path-index.ts'
import { comparePatterns } from './pattern.ts'
import type { Rule } from './rule.ts'
import type { SchemaCheck } from './schema-compiler.ts'
import type { Unresolved } from './template/resolved-index.ts'
import type { Templates } from './template/templates.ts'

/** The rules of all policies that share a namespace, a subject and a mode: they bind a caller together or not at all. */
export interface RuleSet {
  readonly namespace: string
  /** `undefined` binds every caller. */
  readonly subject: SchemaCheck | undefined
  /** Does the subject demand the attribute `token`? Only such sets bind the holder of a token as such. */
  readonly asksForToken: boolean
  /** Of policies of mode shadow. */
  readonly isShadow: boolean
  /** Names, in the order loaded. */
  readonly policies: readonly string[]
  /** Rules that allow or deny. */
  readonly rules: PathLookup<Rule>
  readonly forbids: PathLookup<Rule>
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

const NONE: ReadonlySet<Rule> = new Set()

/**
 * The rules at the pattern that the server would let win, in the order loaded; empty where none matches.
 *
 * Exact beats wildcard. What is listed is also looked for without its trailing slash, exact before
 * wildcard; other operations take the path as it is. Measured on OpenBao 2.7.2; older ones and Vault
 * look among the wildcards without the slash first, which differs where both forms have a match.
 *
 * @param silent - Rules that say nothing now, as if they were not there.
 * @see https://openbao.org/docs/concepts/policies/ - priority matching
 */
export function winningRules(
  sets: readonly RuleSet[],
  { asked, bare, isListing }: PathForms,
  silent: ReadonlySet<Rule> = NONE,
): readonly Rule[] {
  const speaks = ({ values }: PathEntry<Rule>): boolean => silent.size === 0 || values.some((rule) => !silent.has(rule))
  const paths = isListing ? [asked, bare] : [asked]
  for (const path of paths) {
    const found = sets.map(({ rules }) => rules.exact(path)).filter((entry) => entry !== undefined && speaks(entry))
    if (found.length > 0) return merged(found as readonly PathEntry<Rule>[], silent)
  }
  for (const path of paths) {
    const found = sets.flatMap(({ rules }) => rules.wildcards(path).filter(speaks))
    if (found.length > 0) return merged(best(found), silent)
  }
  return []
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

function best(entries: readonly PathEntry<Rule>[]): readonly PathEntry<Rule>[] {
  const winner = entries.reduce((a, b) => (comparePatterns(a.pattern, b.pattern) >= 0 ? a : b))
  return entries.filter(({ pattern }) => pattern.text === winner.pattern.text)
}

function merged(entries: readonly PathEntry<Rule>[], silent: ReadonlySet<Rule> = NONE): readonly Rule[] {
  const rules = entries.flatMap(({ values }) => values)
  return rules.filter((rule) => !silent.has(rule)).sort((a, b) => a.ordinal - b.ordinal)
}

import type { Operation } from '../../model/operation.ts'
import { rankReason } from '../rank-reason.ts'
import { grantsCreateOnly } from '../rule.ts'
import { type CheckedRule, hasConditions, isAlways, named } from './checked-rule.ts'
import { type Analysis, about, type Draft } from './draft.ts'
import { type RuleBook, rank } from './rule-book.ts'

/** Rules that never decide: outranked on all of their path, or settled by others on the same one. */
export const unreachable: Analysis = (book) =>
  book.rules.flatMap((rule) => {
    if (rule.effect === 'forbid' || rule.asked.length === 0) return []
    return outranked(rule, book) ?? settled(rule, book) ?? []
  })

/** Paths that one rule allows and another denies, for some of the operations that both name. */
export const contradictions: Analysis = (book) =>
  book.rules.flatMap((rule) => {
    // "Everything, but not this" is plainly meant.
    if (rule.effect !== 'allow' || rule.operations.has('*') || settled(rule, book) !== undefined) return []
    const denies = book.beside(rule).filter((other) => isDenying(other, rule, book))
    const denied = rule.asked.filter((operation) => denies.some(({ asked }) => asked.includes(operation)))
    const [deny] = denies
    if (deny === undefined || denied.length === 0) return []
    const message = `it allows ${denied.join(', ')}, which ${named(deny)} denies on the same path: take that out of its operations`
    return [about(rule, 'contradiction', message, 'operations')]
  })

/** The server asks a less specific path first, by its own order: `a/*` before `a/+/b*`. */
function outranked(rule: CheckedRule, book: RuleBook): readonly Draft[] | undefined {
  const winner = book
    .over(rule.pattern, rule)
    .find((other) => rank(other.pattern, rule.pattern) > 0 && book.binds(other, rule) && keepsItsPath(other))
  if (winner === undefined) return undefined
  const why = rankReason(winner.pattern, rule.pattern).replace(/^,? ?(?:for the server, )?/, '')
  const message = `it never decides: of all that its path matches, the server asks ${named(winner)} first, ${why}`
  return [about(rule, 'unreachable', message, 'path')]
}

/** Of rules outside their times, those that deny are as if absent; those that allow refuse what is on their path. */
function keepsItsPath(rule: CheckedRule): boolean {
  return rule.effect === 'allow' || isAlways(rule)
}

function settled(rule: CheckedRule, book: RuleBook): readonly Draft[] | undefined {
  const others = book.beside(rule)
  const deciders = rule.asked.map((operation) => others.find((other) => decidesBefore(other, rule, operation, book)))
  const found = [...new Set(deciders)]
  if (!found.every((other) => other !== undefined)) return undefined
  const isDenied = rule.effect === 'allow' && found.every(({ effect }) => effect === 'deny')
  const names = found.map(named).join(' and ')
  const isOne = found.length === 1
  const message = isDenied
    ? `it never allows anything: ${names} ${isOne ? 'denies' : 'deny'} the same operations on the same path; take one of them out`
    : `it never decides: ${names} ${isOne ? 'settles' : 'settle'} all that it names before it; take it out, or change its path or operations`
  return [about(rule, 'unreachable', message)]
}

/** Does `other`, on the same path, settle `operation` whenever `rule` could? */
function decidesBefore(other: CheckedRule, rule: CheckedRule, operation: Operation, book: RuleBook): boolean {
  if (!other.asked.includes(operation) || !book.binds(other, rule)) return false
  if (other.effect === 'deny') return isAlways(other) && (rule.effect === 'allow' || other.ordinal < rule.ordinal)
  return rule.effect === 'allow' && !hasConditions(other) && turn(other, operation) < turn(rule, operation)
}

/** Rules on one path are tried in their order; those that only create come last, for a write. */
function turn(rule: CheckedRule, operation: Operation): number {
  return rule.ordinal + (operation === 'write' && grantsCreateOnly(rule) ? Number.MAX_SAFE_INTEGER / 2 : 0)
}

function isDenying(other: CheckedRule, rule: CheckedRule, book: RuleBook): boolean {
  return other.effect === 'deny' && isAlways(other) && book.binds(other, rule)
}

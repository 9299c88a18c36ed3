import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { GrantedOperation, Operation } from '../model/operation.ts'
import { durationMs } from './duration.ts'
import { type RuleLimits, readLimits } from './limits/rule-limits.ts'
import { type Pattern, parsePattern } from './pattern.ts'
import type { Place } from './place.ts'
import type { SchemaCheck, SchemaCompiler } from './schema-compiler.ts'
import { parseTemplate, type Slot } from './template/slots.ts'
import { allowed, type CacheGrant, denied, type RuleVerdict } from './verdict.ts'
import type { SchemaUse } from './vocabulary.ts'
import { readWindows, type Windows } from './when/windows.ts'
import type { Zones } from './when/zones.ts'

/** A rule, ready to judge by. */
export interface Rule {
  readonly policy: string
  readonly id: string
  /** As the policy has it. */
  readonly path: string
  /** What it matches: for a rule with templates, their literals for the caller; before it is resolved, `+` for each. */
  readonly pattern: Pattern
  /** Templates in the path. */
  readonly slots: readonly Slot[]
  readonly effect: 'allow' | 'deny' | 'forbid'
  readonly operations: ReadonlySet<GrantedOperation>
  /** Place among all rules of all documents. */
  readonly ordinal: number
  readonly request: SchemaCheck | undefined
  readonly query: SchemaCheck | undefined
  /** The answer must be wrapped for at least this; `undefined`: as the caller likes. */
  readonly minWrapTtlMs: number | undefined
  /** The answer must be wrapped for at most this; `undefined`: as the caller likes. */
  readonly maxWrapTtlMs: number | undefined
  /** Has a response schema, and wrapped answers are not let past it. */
  readonly refusesWrapping: boolean
  /** Limits leases, which wrapped answers would hide. */
  readonly limitsLeases: boolean
  /** When it speaks; `undefined` for always. */
  readonly windows: Windows | undefined
  /** What it says when it decides. */
  readonly verdict: RuleVerdict
}

/** Does the rule speak of `operation`? A write may turn out to be either, so create or update is enough. */
export function covers({ operations }: Pick<Rule, 'operations'>, operation: Operation): boolean {
  if (operations.has('*') || operations.has(operation)) return true
  return operation === 'write' && (operations.has('create') || operations.has('update'))
}

/** Does it grant create, and neither update nor write? */
export function grantsCreateOnly({ operations }: Pick<Rule, 'operations'>): boolean {
  return operations.has('create') && !operations.has('update') && !operations.has('write') && !operations.has('*')
}

/** Does the verdict hang on more than operation and path? */
export function isConditional(rule: Rule): boolean {
  const { request, query, minWrapTtlMs, maxWrapTtlMs, refusesWrapping, limitsLeases, windows } = rule
  if (windows !== undefined || limitsLeases) return true
  const hasSchema = request !== undefined || query !== undefined
  return hasSchema || minWrapTtlMs !== undefined || maxWrapTtlMs !== undefined || refusesWrapping
}

/** Does a rule that denies or forbids say nothing at `nowMs`? It speaks where the wall clock tells no time. */
export function isSilent({ windows }: Pick<Rule, 'windows'>, nowMs: number): boolean {
  return windows?.isOpen(nowMs) === false
}

/** What a rule is read within. */
export interface RuleContext {
  readonly policy: string
  readonly index: number
  readonly ordinal: number
  readonly compiler: SchemaCompiler
  readonly zones: Zones
}

/** The rule in `source`, whose structure the policy schema has checked. @throws {PolicyLoadError} */
export function readRule(source: JsonObject, place: Place, context: RuleContext): Rule {
  const effect = source.effect as Rule['effect']
  const operations = new Set(source.operations as readonly GrantedOperation[])
  if (effect !== 'allow') refuseConditions(source, place, effect)
  if (source.wrapped !== undefined && source.response === undefined) {
    throw place.at('wrapped').refusal('has a meaning only beside "response"')
  }
  const id = typeof source.id === 'string' ? source.id : `rule-${context.index}`
  const base = { policy: context.policy, id, effect, operations, ordinal: context.ordinal }
  const schema = (use: SchemaUse): SchemaCheck | undefined => {
    const value = source[use]
    return isJsonObject(value) ? context.compiler.check(value, use, place.at(use)) : undefined
  }
  const response = schema('response')
  const limits = readLimits(source.limits, place.at('limits'), { policy: context.policy, rule: id })
  const path = source.path as string
  const { shape, slots } = parseTemplate(path, place.at('path'))
  return Object.freeze({
    ...base,
    path,
    slots,
    pattern: parsePattern(shape, place.at('path')),
    request: schema('request'),
    query: schema('query'),
    ...readWrapLimits(source.limits, place.at('limits')),
    refusesWrapping: response !== undefined && source.wrapped !== true,
    limitsLeases: limits !== undefined && (limits.leases !== Infinity || limits.maxTtlMs !== Infinity),
    windows: readWindows(source.when, place.at('when'), context.zones),
    verdict: verdictOf(base, source, { response, limits, cache: readCache(source.cache, place.at('cache')) }),
  })
}

function refuseConditions(source: JsonObject, place: Place, effect: string): void {
  for (const name of ['request', 'query', 'response', 'wrapped', 'cache', 'limits']) {
    if (source[name] === undefined) continue
    throw place.at(name).refusal(`"${name}" may only stand on a rule whose effect is "allow", not "${effect}"`)
  }
}

function readWrapLimits(limits: unknown, place: Place): Pick<Rule, 'minWrapTtlMs' | 'maxWrapTtlMs'> {
  const { minWrapTtl, maxWrapTtl } = isJsonObject(limits) ? limits : {}
  const minWrapTtlMs = typeof minWrapTtl === 'string' ? durationMs(minWrapTtl) : undefined
  const maxWrapTtlMs = typeof maxWrapTtl === 'string' ? durationMs(maxWrapTtl) : undefined
  if (minWrapTtlMs === 0) throw place.at('minWrapTtl').refusal('must be above 0')
  if (maxWrapTtlMs === 0) throw place.at('maxWrapTtl').refusal('must be above 0')
  if (minWrapTtlMs !== undefined && maxWrapTtlMs !== undefined && maxWrapTtlMs < minWrapTtlMs) {
    throw place.at('maxWrapTtl').refusal('is below "minWrapTtl", so nothing could pass')
  }
  return { minWrapTtlMs, maxWrapTtlMs }
}

function readCache(cache: unknown, place: Place): CacheGrant | undefined {
  if (!isJsonObject(cache)) return undefined
  const ttlMs = durationMs(cache.ttl as string)
  if (ttlMs === 0) throw place.at('ttl').refusal('must be above 0; leave "cache" out to keep nothing')
  const staleIfErrorMs = typeof cache.staleIfError === 'string' ? durationMs(cache.staleIfError) : 0
  return Object.freeze({ ttlMs, scope: cache.scope as CacheGrant['scope'], staleIfErrorMs })
}

/** A path that can hardly be written without renewals or revocations of leases in mind. */
const LEASES = /^sys\/(?:leases\/)?(?:renew|revoke)/

/** What a rule that allows has its verdict carry. */
interface Grants {
  readonly response: SchemaCheck | undefined
  readonly limits: RuleLimits | undefined
  readonly cache: CacheGrant | undefined
}

function verdictOf(
  rule: Pick<Rule, 'policy' | 'id' | 'effect' | 'operations'>,
  source: JsonObject,
  { response, limits, cache }: Grants,
): RuleVerdict {
  const { policy, id, effect } = rule
  const names = { policy, rule: id }
  const why = typeof source.reason === 'string' ? `: ${source.reason}` : ''
  if (effect === 'forbid') {
    return denied({ ...names, reason: 'forbid', message: `the rule forbids it, whatever else allows it${why}` })
  }
  if (effect === 'deny') return denied({ ...names, reason: 'deny', message: `the rule denies it${why}` })
  const responses = response === undefined ? [] : [Object.freeze({ ...names, check: response })]
  return allowed(
    { ...names, reason: 'rule', message: `the rule allows it${why}` },
    {
      cache,
      createOnly: grantsCreateOnly(rule),
      managesLeases: LEASES.test(String(source.path)),
      limits: limits === undefined ? [] : [Object.freeze({ link: 0, limits })],
      responses,
    },
  )
}

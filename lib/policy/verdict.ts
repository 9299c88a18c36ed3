import type { Decision } from '../model/decision.ts'
import type { LinkLimits } from './limits/rule-limits.ts'
import type { SchemaCheck } from './schema-compiler.ts'

/** A policy document as it was read, with a name for messages. */
export interface PolicyDocument {
  readonly file: string
  readonly document: unknown
}

/** Leave to keep an answer. */
export interface CacheGrant {
  /** How long it may be served; above 0. */
  readonly ttlMs: number
  /** Whom it may be served to; `undefined`: as the gateway is set up. */
  readonly scope: 'gateway' | 'caller' | undefined
  /** How long past its end it may be served while the server fails; 0 for not at all. */
  readonly staleIfErrorMs: number
}

/** What the policies say of one request, and what follows from it. Frozen. */
export interface Verdict {
  readonly decision: Decision
  /** Combined over the chain of callers: the rule of every one must grant it. */
  readonly cache: CacheGrant | undefined
  /**
   * Does some rule of the chain keep answers for their own caller? That holds without a grant, too: a leased answer is
   * kept for as long as its lease says, whatever `cache` is.
   */
  readonly isCallersOwn?: boolean
  /** Some rule of the chain grants create, but neither update nor write. */
  readonly createOnly: boolean
  /**
   * Does the path of the rule itself name renewals or revocations (`sys/leases/revoke`, and not `sys/*`)? Asked of every
   * caller of the chain but its root, whose leases they are.
   */
  readonly managesLeases?: boolean
  /** Limits of the rules that allow, each with the caller of the chain that it allows; empty for most. */
  readonly limits?: readonly LinkLimits[]
  /** How long after its issue a lease may be had: the least of the chain. `Infinity`, the default: for as long as it lives. */
  readonly maxTtlMs?: number
  /** Some rule of the chain has a response schema. */
  readonly checksResponse: boolean
  /** What shadow policies would make of it, and of the answer; its decision stands in `decision.shadow`, too. */
  readonly shadow?: Verdict
}

/** The response schema of a rule that allowed, and whose it is. */
export interface ResponseCheck {
  readonly policy: string
  readonly rule: string
  readonly check: SchemaCheck
}

/** A verdict as the engine makes it: with the checks that the answer has to pass. */
export interface RuleVerdict extends Verdict {
  readonly responses: readonly ResponseCheck[]
}

const NONE: readonly never[] = Object.freeze([])

/** A denial. */
export function denied(decision: Omit<Decision, 'effect'>): RuleVerdict {
  return Object.freeze({
    decision: Object.freeze({ effect: 'deny', ...decision }),
    cache: undefined,
    isCallersOwn: false,
    createOnly: false,
    managesLeases: false,
    checksResponse: false,
    responses: NONE,
  })
}

/** A leave, by one caller's rule. */
export function allowed(
  decision: Omit<Decision, 'effect'>,
  {
    cache,
    isCallersOwn,
    createOnly,
    managesLeases,
    limits = NONE,
    responses,
  }: Omit<RuleVerdict, 'decision' | 'checksResponse' | 'maxTtlMs'>,
): RuleVerdict {
  return Object.freeze({
    decision: Object.freeze({ effect: 'allow', ...decision }),
    cache,
    isCallersOwn: isCallersOwn === true || cache?.scope === 'caller',
    createOnly,
    managesLeases: managesLeases === true,
    limits: Object.freeze(limits),
    maxTtlMs: Math.min(...limits.map(({ limits: { maxTtlMs } }) => maxTtlMs)),
    checksResponse: responses.length > 0,
    responses: Object.freeze(responses),
  })
}

/** `verdict`, beside what would be decided if shadow policies were enforced. */
export function withShadow(verdict: RuleVerdict, shadow: RuleVerdict): RuleVerdict {
  const decision = Object.freeze({ ...verdict.decision, shadow: shadow.decision })
  return Object.freeze({ ...verdict, decision, shadow })
}

/** The verdict over a chain of callers that all allow, root first: the decision of the last, the narrowest of the rest. */
export function combined(verdicts: readonly [RuleVerdict, ...RuleVerdict[]]): RuleVerdict {
  const last = verdicts.at(-1) ?? verdicts[0]
  if (verdicts.length === 1) return last
  const { effect: _, ...decision } = last.decision
  return allowed(decision, {
    cache: verdicts.map(({ cache }) => cache).reduce(narrower),
    isCallersOwn: verdicts.some(({ isCallersOwn }) => isCallersOwn === true),
    createOnly: verdicts.some(({ createOnly }) => createOnly),
    managesLeases: verdicts.slice(1).every(({ managesLeases }) => managesLeases === true),
    limits: verdicts.flatMap(({ limits = NONE }, link) => limits.map((limit) => Object.freeze({ ...limit, link }))),
    responses: verdicts.flatMap(({ responses }) => responses),
  })
}

/** From free to strict; `undefined` may turn out to be either. */
const SCOPES: readonly CacheGrant['scope'][] = ['gateway', undefined, 'caller']

function narrower(a: CacheGrant | undefined, b: CacheGrant | undefined): CacheGrant | undefined {
  if (a === undefined || b === undefined) return undefined
  return Object.freeze({
    ttlMs: Math.min(a.ttlMs, b.ttlMs),
    scope: SCOPES.indexOf(a.scope) > SCOPES.indexOf(b.scope) ? a.scope : b.scope,
    staleIfErrorMs: Math.min(a.staleIfErrorMs, b.staleIfErrorMs),
  })
}

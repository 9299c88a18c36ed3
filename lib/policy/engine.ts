import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { Explanation } from '../model/gateway.ts'
import type { JsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import { checkNames } from '../options/check.ts'
import type { Clock } from '../ports/clock.ts'
import { Bindings } from './binding.ts'
import { explained, unexplained } from './explain.ts'
import { judge, NO_POLICY } from './judge.ts'
import { type LoadedPolicies, loadPolicies, namespaceProblem } from './load.ts'
import type { SchemaCompiler } from './schema-compiler.ts'
import { allowed, denied, type PolicyDocument, type RuleVerdict, type Verdict } from './verdict.ts'

export type { CacheGrant, PolicyDocument, Verdict } from './verdict.ts'

/** Decides requests by the policies it was made with. Holds no time, asks nobody; synchronous. */
export interface PolicyEngine {
  /**
   * The verdict on `request`: every caller of the chain must allow; the first refusal, root first, is the verdict.
   *
   * The identical object for a repeated request whose data, query and wrap TTL the rules do not ask about.
   */
  decide(caller: Caller, request: GatewayRequest): Verdict
  /** A denial where `data` fails a response schema of the rules that allowed; else `undefined`. */
  checkResponse(verdict: Verdict, data: JsonObject | undefined): Decision | undefined
  /** The decision with its reasons; never a value. */
  explain(caller: Caller, request: GatewayRequest): Explanation
  /** Names of the policies, in the order given. */
  readonly policies: readonly string[]
}

/** How {@link createPolicyEngine} judges. */
export interface PolicyEngineOptions {
  /** Of policies that name none; canonical, `''` for the root. */
  readonly namespace: string
  /** DANGEROUS: lets everything through. Only where there are no documents. Default: false. */
  readonly unrestricted?: boolean
  /** Its wall clock tells time windows; without one, rules with `when` allow nothing, and deny always. */
  readonly clock?: Pick<Clock, 'wallTime'>
  /** Checks of the documents' schemas that were generated beforehand. Default: they are generated here, with ajv. */
  readonly compiler?: SchemaCompiler
}

/**
 * An engine for `documents`; all of them, or none.
 *
 * Without documents everything is denied. Schemas are compiled here, so that deciding never does.
 *
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`: the first fault, by file and JSON pointer.
 * @throws {TypeError} for wrong options, and for `unrestricted` together with documents.
 *
 * @example
 * const rules = [{ path: 'kv/data/orders', operations: ['read'], effect: 'allow' }]
 * const engine = await createPolicyEngine([{ file: 'orders', document: { policy: 'orders', rules } }], { namespace: '' })
 */
export async function createPolicyEngine(
  documents: readonly PolicyDocument[],
  options: PolicyEngineOptions,
): Promise<PolicyEngine> {
  checkNames('policy options', options, ['namespace', 'unrestricted', 'clock', 'compiler'])
  if (typeof options.namespace !== 'string') throw new TypeError('namespace must be a string')
  const problem = namespaceProblem(options.namespace)
  if (problem !== undefined) throw new TypeError(`namespace is not canonical: ${problem}`)
  if (options.unrestricted !== true) {
    return new RuleEngine(await loadPolicies(documents, options.namespace, options.compiler), options.clock)
  }
  if (documents.length > 0) {
    throw new TypeError('unrestricted lets everything through, so it cannot be combined with policies: leave one out')
  }
  return UNRESTRICTED
}

class RuleEngine implements PolicyEngine {
  readonly policies: readonly string[]
  readonly #sets: LoadedPolicies['sets']
  readonly #bindings: Bindings
  /** `undefined` where no rule asks for the time. */
  readonly #clock: PolicyEngineOptions['clock']

  constructor({ policies, sets, isTimed }: LoadedPolicies, clock: PolicyEngineOptions['clock']) {
    this.#clock = isTimed ? clock : undefined
    this.policies = Object.freeze(policies)
    this.#sets = sets
    this.#bindings = new Bindings(sets)
  }

  decide(caller: Caller, request: GatewayRequest): Verdict {
    return this.#judge(caller, request, this.#nowMs())
  }

  checkResponse(verdict: Verdict, data: JsonObject | undefined): Decision | undefined {
    if (!verdict.checksResponse) return undefined
    const { responses } = verdict as Partial<RuleVerdict>
    if (responses === undefined) throw new TypeError('the verdict is not one that a policy engine made')
    for (const { policy, rule, check } of responses) {
      const failure = check(data ?? {})
      if (failure === undefined) continue
      const { pointer, keyword, hint } = failure
      const message = `the answer's data${pointer} ${hint} (${keyword})`
      return denied({ reason: 'response-schema', policy, rule, message, pointer, keyword }).decision
    }
    return undefined
  }

  explain(caller: Caller, request: GatewayRequest): Explanation {
    const nowMs = this.#nowMs()
    const { decision } = this.#judge(caller, request, nowMs)
    const chain = this.#bindings.of(caller).get(request.namespace)?.chain ?? []
    const sets = this.#sets.filter(({ namespace }) => namespace === request.namespace)
    return explained({ caller, request, decision, sets, chain, nowMs })
  }

  #judge(caller: Caller, request: GatewayRequest, nowMs: number): RuleVerdict {
    const scope = this.#bindings.of(caller).get(request.namespace)
    if (scope === undefined) return NO_POLICY
    return judge(this.#bindings.plan(scope, request.operation, request.path), request, nowMs)
  }

  /** Read once a decision, so that no window shuts between two of its rules. */
  #nowMs(): number {
    return this.#clock === undefined ? Number.NaN : this.#clock.wallTime()
  }
}

const LETS_ALL: Verdict = allowed(
  {
    reason: 'unrestricted',
    policy: undefined,
    rule: undefined,
    message: 'no policies are in force: everything is allowed',
  },
  { cache: undefined, createOnly: false, managesLeases: true, responses: [] },
)

const UNRESTRICTED: PolicyEngine = Object.freeze({
  policies: Object.freeze([]),
  decide: () => LETS_ALL,
  checkResponse: () => undefined,
  explain: () => unexplained(LETS_ALL.decision),
})

import type { Caller } from '../../model/caller.ts'
import type { DecisionReason } from '../../model/decision.ts'
import type { JsonObject } from '../../model/json.ts'
import type { TrialRequest } from '../trial.ts'

/** What a row expects of a decision; only what is there is compared. `null` stands for none. */
export interface ExpectedDecision {
  readonly effect: 'allow' | 'deny'
  readonly policy?: string | null
  readonly rule?: string | null
  readonly reason?: DecisionReason
  readonly pointer?: string | null
  readonly keyword?: string | null
  readonly wouldPass?: string | null
  /** What would be decided if the policies of mode shadow were enforced, too. */
  readonly shadow?: ExpectedDecision
}

/** An answer of the server, and whether it should pass. */
export interface ExpectedAnswer {
  readonly data: JsonObject
  readonly expected: ExpectedDecision
}

/** One request, and what policies should say of it. */
export interface PolicyTestRow {
  readonly name: string
  /** Of the row in its file, as JSON pointer. */
  readonly pointer: string
  readonly caller: Caller
  readonly request: TrialRequest
  readonly expected: ExpectedDecision
  readonly answers: readonly ExpectedAnswer[]
}

/** The table of a `*.policy-test.json`, read. */
export interface PolicyTest {
  readonly file: string
  /** Folders of policies and policy files, as the file names them: relative to it. */
  readonly policies: readonly string[]
  /** The gateway's own; `''` for the root. */
  readonly namespace: string
  /** Others that requests may name; `undefined`: those that the policies name. */
  readonly namespaces: readonly string[] | undefined
  readonly rows: readonly PolicyTestRow[]
}

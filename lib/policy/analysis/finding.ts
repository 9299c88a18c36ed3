/** How grave a finding is: an error does not do what it says; a warning most likely not what was meant. */
export type Severity = 'error' | 'warning'

/** What a finding is about; stable, for programs and for `--ignore`. */
export type FindingCode =
  | 'invalid'
  | 'never-passes'
  | 'case-variant'
  | 'unreachable'
  | 'forbidden'
  | 'contradiction'
  | 'conditions-lost'
  | 'deny-reopened'
  | 'subject-breadth'
  | 'no-effect'
  | 'sudo-alone'
  | 'sudo-missing'
  | 'create-only'
  | 'kv-v2-path'
  | 'kv-v2-list'
  | 'v1-prefix'
  | 'list-slash'
  | 'trailing-slash'

/** What is known of a code. */
export interface FindingFacts {
  readonly severity: Severity
  /** What it means and what to do, one line. */
  readonly meaning: string
}

/** Every code of a finding. Documented by README.md of this folder; a test holds both equal. */
export const FINDING_CODES: Readonly<Record<FindingCode, FindingFacts>> = Object.freeze({
  invalid: {
    severity: 'error',
    meaning: 'The gateway would not load the file. Mend what is told.',
  },
  'never-passes': {
    severity: 'error',
    meaning: 'No request meets the conditions of the rule together, so it grants nothing. Loosen one of them.',
  },
  'case-variant': {
    severity: 'error',
    meaning:
      'The server takes the name in a denied path in any case, and another spelling is allowed. Allow the names that are meant, instead of denying one.',
  },
  unreachable: {
    severity: 'warning',
    meaning:
      'The rule never decides: others on its path, or on one that the server asks first, settle all that it names. Take it out, or mend its path.',
  },
  forbidden: {
    severity: 'warning',
    meaning: 'A forbid rule refuses what the rule grants, on its whole path. Take the grant out, or narrow the forbid.',
  },
  contradiction: {
    severity: 'warning',
    meaning: 'One path is both allowed and denied for the same operation; deny wins. Grant only what is not denied.',
  },
  'conditions-lost': {
    severity: 'warning',
    meaning:
      'A rule on a more specific path lacks conditions of the wider rule that it replaces there. Repeat them, if they should hold.',
  },
  'deny-reopened': {
    severity: 'warning',
    meaning:
      "A rule on a more specific path allows what another policy's deny refuses on a wider one. Make that a forbid, if it should hold.",
  },
  'subject-breadth': {
    severity: 'warning',
    meaning: 'The subject binds more callers than it seems to. Say what the attribute has to be.',
  },
  'no-effect': {
    severity: 'warning',
    meaning: 'A cache, limit or schema that nothing ever comes under. Take it out, or put it where it was meant.',
  },
  'sudo-alone': {
    severity: 'warning',
    meaning: 'Sudo by itself grants, denies and forbids nothing here. Name the operations.',
  },
  'sudo-missing': {
    severity: 'warning',
    meaning:
      'The server asks for sudo on this path, and the rule does not name it. Add it, so that the preflight asks for it.',
  },
  'create-only': {
    severity: 'warning',
    meaning:
      'Create and update cannot be told apart over HTTP as the rule has it. Read what becomes of it, and say write.',
  },
  'kv-v2-path': {
    severity: 'warning',
    meaning: 'The path has no data/ or metadata/ below a KV v2 mount, so it matches no secret. Put it in.',
  },
  'kv-v2-list': {
    severity: 'warning',
    meaning: 'KV v2 lists below metadata/, not below data/. Grant list on the metadata path.',
  },
  'v1-prefix': {
    severity: 'warning',
    meaning: 'Paths are relative to /v1/. Leave v1/ out.',
  },
  'list-slash': {
    severity: 'warning',
    meaning:
      'A listing asks for the path with a slash at its end, where another rule is asked first. Grant list with the slash.',
  },
  'trailing-slash': {
    severity: 'warning',
    meaning:
      'The path ends in a slash, so it matches that alone, and nothing below it. End it in /*, or leave the slash out.',
  },
} as const)

/** Something that is wrong with a policy, or most likely is. Holds words of the policy, and no other value. */
export interface PolicyFinding {
  readonly code: FindingCode
  readonly severity: Severity
  readonly file: string
  /** JSON pointer to what it is about; empty for the whole file. */
  readonly pointer: string
  /** From 1; `undefined` where the file has no such part. */
  readonly line: number | undefined
  /** From 1, in UTF-16 units. */
  readonly column: number | undefined
  /** Name of the policy; `undefined` where it could not be read. */
  readonly policy: string | undefined
  /** Id of the rule; `undefined` where it is about no single rule. */
  readonly rule: string | undefined
  /** One line for people: what is wrong, and what to do. */
  readonly message: string
}

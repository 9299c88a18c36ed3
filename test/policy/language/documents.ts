/** A use of a key that is refused: the document, the pointer to the fault, and what is said of it. */
export interface BadUse {
  readonly document: unknown
  readonly pointer: string
  readonly says: string
  /** What an editor cannot know from the schema: other documents, other rules, time zones, patterns, what is opened when. */
  readonly isBeyondSchema?: true
}

/** How a key of the language is used, well and badly. */
export interface Uses {
  readonly good: readonly unknown[]
  readonly bad: readonly BadUse[]
}

/** A policy of one rule that allows, changed. */
export function policy(rest: object): object {
  return { policy: 'p', rules: [{ path: 'kv/a', operations: ['read'], effect: 'allow' }], ...rest }
}

/** A policy of one rule that allows, which is changed. */
export function ruled(rest: object): object {
  return policy({ rules: [{ path: 'kv/a', operations: ['read'], effect: 'allow', ...rest }] })
}

/** A fault at `pointer` that editors tell, too. */
export function bad(document: unknown, pointer: string, says: string): BadUse {
  return { document, pointer, says }
}

/** A fault at `pointer` that only the gateway tells. */
export function beyond(document: unknown, pointer: string, says: string): BadUse {
  return { document, pointer, says, isBeyondSchema: true }
}

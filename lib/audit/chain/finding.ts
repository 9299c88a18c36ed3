/** How what was found departs from a chain that was left alone. */
export type FindingKind =
  | 'changed' // the line is not what it was when it was written
  | 'missing' // lines were removed from here, or moved away
  | 'repeated' // a line that stood before stands here again, or was moved here
  | 'inserted' // a line that never was one of the chain
  | 'replaced' // the line does not follow from the one before: one of the two is another
  | 'head' // the beginning was removed
  | 'cut' // the end was removed: a checkpoint kept elsewhere tells of more
  | 'rewritten' // a checkpoint tells of another line
  | 'signature' // a checkpoint was not signed with a key that was given
  | 'unsigned' // there is no checkpoint
  | 'unchained' // there is no chain

/** The first departure. */
export interface Finding {
  readonly what: FindingKind
  /** As it was named to the verifier. */
  readonly file: string
  /** From 1; 0: the file as a whole. */
  readonly line: number
  readonly message: string
}

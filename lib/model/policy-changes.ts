/** What a reload of policies changed. Holds names, never the policies themselves. */
export interface PolicyChanges {
  /** Names of policies that were not there before. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
  /** Of the policies `changed`: `+policy/rule` came, `-policy/rule` went, `~policy/rule` is another. */
  readonly rules: readonly string[]
  /** SHA-256 of the set in force, in hex; the same wherever the same policies are in force. */
  readonly digest: string
}

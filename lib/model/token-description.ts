/**
 * Who holds a token, as the endpoint that made it knows: from a login, not from what the holder says.
 *
 * Gateway policies see it as the caller's attribute `token`, which no caller can set. It stands in audit entries.
 */
export interface TokenDescription {
  /** Where it was made: `auth/jwt/`; empty for what no auth method made. */
  readonly mount: string
  /** Names that the auth method gave. The host has no rules of that name: gateway policies give them a meaning. */
  readonly policies: readonly string[]
  /** Name of the holder at that auth method; empty where there is none. */
  readonly alias: string
  /** Id of the holder across logins; empty where there is none. */
  readonly entity: string
  readonly metadata: Readonly<Record<string, string>>
}

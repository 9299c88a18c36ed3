/** Where the library says what goes wrong inside it and concerns no single call. Fields hold no secret. */
export interface Diagnostics {
  warn(message: string, fields?: Readonly<Record<string, string | number | boolean>>): void
}

/** Says nothing. */
export const NO_DIAGNOSTICS: Diagnostics = Object.freeze({ warn() {} })

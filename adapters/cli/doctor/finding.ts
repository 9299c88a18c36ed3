/** What one look found. `fail`: it will not work; `warn`: it will work, and not as well as it could. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  /** What was looked at, in a word or two. */
  readonly what: string
  /** What was found, and what to do about it. Never a secret. */
  readonly message: string
  /** Lines to be taken over as they are, such as a server policy. */
  readonly lines?: readonly string[]
}

export const ok = (what: string, message: string): Finding => ({ level: 'ok', what, message })
export const warn = (what: string, message: string): Finding => ({ level: 'warn', what, message })
export const fail = (what: string, message: string): Finding => ({ level: 'fail', what, message })

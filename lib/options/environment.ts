import { durationMs } from '../model/duration.ts'
/** Environment variables, as handed in by whoever may read them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable that is set, and the name under which it was found, for messages. */
export interface Variable {
  readonly name: string
  readonly text: string
}

/** The variable `BAO_<suffix>`, else `VAULT_<suffix>`. Empty counts as not set, as in the field. */
export function serverVariable(env: Environment, suffix: string): Variable | undefined {
  return anyVariable(env, `BAO_${suffix}`, `VAULT_${suffix}`)
}

/** The first of `names` that is set and not empty. */
export function anyVariable(env: Environment, ...names: readonly string[]): Variable | undefined {
  for (const name of names) {
    const text = env[name]
    if (text !== undefined && text !== '') return { name, text }
  }
  return undefined
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** A flag, spelt as Go takes it. @throws {TypeError} for anything else: a misspelt flag must not count as either. */
export function flagOf({ name, text }: Variable): boolean {
  if (TRUE.has(text)) return true
  if (FALSE.has(text)) return false
  throw new TypeError(`${name} must be true or false (1, t, 0, f)`)
}

/** A whole number, 0 or more. @throws {TypeError} naming the variable. */
export function countOf({ name, text }: Variable): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`${name} must be a whole number, 0 or more`)
  return Number(text)
}

/** Milliseconds of a duration as Go writes it (`1m30s`, `500ms`) or of whole seconds (`90`). @throws {TypeError} naming the variable. */
export function durationMsOf({ name, text }: Variable): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : durationMs(text)
  if (ms === undefined) throw new TypeError(`${name} must be a duration such as 60s or 1m30s, or whole seconds`)
  return ms
}

import type { JsonObject } from './json.ts'

/** Of the modules that this version writes and reads. */
export const COMPILED_FORMAT = 'portcullis-policies/1'

/** What a module made by `portcullis policy compile` exports: policies, and their schemas as functions. */
export interface CompiledPolicies {
  readonly format: typeof COMPILED_FORMAT
  /** SHA-256 of the policies: tells a module that was edited by hand. */
  readonly digest: string
  readonly documents: readonly { readonly file: string; readonly document: JsonObject }[]
  /** By the schema's JSON text. */
  readonly checks: Readonly<Record<string, CheckFactory>>
}

/** Policies as they are given: the path of a folder, documents, or the default export of a module of compiled ones. */
export type PoliciesOption = string | readonly object[] | CompiledPolicies

/** Makes the check of one schema. */
export type CheckFactory = (runtime: CheckRuntime) => CompiledCheck

/** What ajv generates: `errors` are those of the last call that gave false. */
export interface CompiledCheck {
  (data: unknown): boolean
  // biome-ignore lint/suspicious/noExplicitAny: of ajv's error objects; what is made of them is checked.
  errors?: any
}

/** What generated checks call, and that they do not bring along. */
export interface CheckRuntime {
  /** Are two values of JSON the same? */
  equal(a: unknown, b: unknown): boolean
  /** Characters, counted by code point. */
  ucs2length(text: string): number
  /** A pattern, matched in linear time. */
  linearPattern(pattern: string): { test(text: string): boolean }
}

/** Was `policies` made by `portcullis policy compile`, of any version? */
export function isCompiled(policies: unknown): policies is CompiledPolicies {
  if (typeof policies !== 'object' || policies === null || !('format' in policies)) return false
  return typeof policies.format === 'string' && policies.format.startsWith('portcullis-policies/')
}

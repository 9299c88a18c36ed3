import type { JsonObject, JsonValue } from '../../model/json.ts'

/** How values are read beyond their JSON type; see the table in `lib/plugin/README.md`. */
export type FieldFormat =
  /** integer: seconds, or text such as `"24h"`; 0 or more. */
  | 'duration'
  /** As `duration`, and may be negative. */
  | 'signed-duration'
  /** string: letters, digits, `_`, and `-` or `.` within: the server's own rule for names. */
  | 'name'
  /** string: trimmed, and in lower case. */
  | 'lower-case'
  /** array: a text is split at its commas; without it, a text is a list of one. */
  | 'comma-list'
  /** object: values are texts, and a list of `key=value` is taken too. */
  | 'key-value'
  /** string: base64 of the standard alphabet, padded. */
  | 'base64'

/**
 * The schema of one field: JSON Schema 2020-12, of which the keywords below are taken and every other one is refused.
 *
 * Values are first brought to their type, as the server does (`"5"` for an integer, `"true"` for a boolean), and then checked.
 */
export interface FieldSchema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  readonly format?: FieldFormat
  readonly description?: string
  readonly title?: string
  readonly deprecated?: boolean
  readonly default?: JsonValue
  readonly examples?: readonly JsonValue[]
  readonly enum?: readonly JsonValue[]
  readonly const?: JsonValue
  /** A regular expression with flag `u`, not anchored. Write it so that it takes linear time: callers choose the text. */
  readonly pattern?: string
  /** In characters (code points). */
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly items?: FieldSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly properties?: Readonly<Record<string, FieldSchema>>
  readonly required?: readonly string[]
  /** `false` refuses others, a schema checks them. Default: anything goes. */
  readonly additionalProperties?: boolean | FieldSchema
}

/** The fields of a path: a JSON Schema of an object. */
export interface FieldsSchema {
  readonly type?: 'object'
  readonly properties?: Readonly<Record<string, FieldSchema>>
  /** Must be there in what is written (create, update); a default counts as there. */
  readonly required?: readonly string[]
  /** `true`: whatever else is sent is taken too, and stands in `request.data`. Default: `false`, ignored with a warning. */
  readonly additionalProperties?: boolean
}

/** What a handler gets for a field of schema `S`. */
export type ValueOf<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly type: 'string' }
      ? string
      : S extends { readonly type: 'integer' | 'number' }
        ? number
        : S extends { readonly type: 'boolean' }
          ? boolean
          : S extends { readonly type: 'array' }
            ? S extends { readonly items: infer I }
              ? readonly ValueOf<I>[]
              : readonly JsonValue[]
            : S extends { readonly type: 'object' }
              ? ObjectOf<S>
              : JsonValue

type ObjectOf<S> = S extends { readonly format: 'key-value' }
  ? Readonly<Record<string, string>>
  : S extends { readonly properties: infer P }
    ? Present<P, RequiredOf<S> & keyof P>
    : JsonObject

type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never

type PropertiesOf<F> = F extends { readonly properties: infer P } ? P : Record<never, never>

type DefaultedOf<P> = { [K in keyof P]: P[K] extends { readonly default: JsonValue } ? K : never }[keyof P]

/** `undefined` for those that can be absent. */
type Present<P, Sure extends keyof P> = {
  readonly [K in keyof P]: K extends Sure ? ValueOf<P[K]> : ValueOf<P[K]> | undefined
}

/** Fields of what is written: required ones and those with a default are there. */
export type WrittenFields<F, Parameters extends string = never> = Present<
  PropertiesOf<F>,
  (RequiredOf<F> | DefaultedOf<PropertiesOf<F>> | Parameters) & keyof PropertiesOf<F>
>

/** Fields of what is asked (read, list, delete): those with a default are there. */
export type AskedFields<F, Parameters extends string = never> = Present<
  PropertiesOf<F>,
  (DefaultedOf<PropertiesOf<F>> | Parameters) & keyof PropertiesOf<F>
>

/** Fields of a patch: what was not sent is not there. */
export type PatchedFields<F, Parameters extends string = never> = Present<
  PropertiesOf<F>,
  Parameters & keyof PropertiesOf<F>
>

/** A value as OTLP writes it in JSON. */
export interface OtlpAny {
  readonly stringValue?: string
  readonly boolValue?: boolean
  /** 64 bits, so often a text. */
  readonly intValue?: string | number
  readonly doubleValue?: number
  readonly bytesValue?: string
  readonly arrayValue?: { readonly values?: readonly OtlpAny[] }
  readonly kvlistValue?: { readonly values?: readonly OtlpAttribute[] }
}

export interface OtlpAttribute {
  readonly key: string
  readonly value?: OtlpAny
}

/** The same as a plain value. */
export type AttributeValue =
  | string
  | number
  | boolean
  | undefined
  | readonly AttributeValue[]
  | { readonly [name: string]: AttributeValue }

/** `value` without the wrapping that names its type. */
export function plain(value: OtlpAny | undefined): AttributeValue {
  if (value === undefined) return undefined
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain)
  if (value.kvlistValue !== undefined) return attributesOf(value.kvlistValue.values)
  if (value.intValue !== undefined) return Number(value.intValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue
}

/** Attributes by name. */
export function attributesOf(attributes: readonly OtlpAttribute[] = []): Readonly<Record<string, AttributeValue>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))
}

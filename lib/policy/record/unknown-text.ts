import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { lengthsOf, type Shape } from '../../model/shape.ts'

/** A text of which only its HMAC is known, and perhaps about how long it is. */
export class UnknownText {
  /** Two of equal HMAC are equal. */
  readonly hmac: string
  readonly min: number
  readonly max: number

  constructor(hmac: string, { min, max }: { readonly min: number; readonly max: number }) {
    this.hmac = hmac
    this.min = min
    this.max = max
  }
}

/** What a record tells of a value. */
export type Recorded = UnknownText | JsonValue | readonly Recorded[] | { readonly [name: string]: Recorded }

const HMAC = /^hmac-sha256:[0-9a-f]{64}$/

/** `data` of an audit entry, with what is hashed in it as unknown. A text that was left in clear is itself. */
export function recorded(data: JsonObject, shape: Shape | undefined): Record<string, Recorded> {
  return ofObject(data, shape)
}

function of(value: JsonValue, shape: Shape | undefined): Recorded {
  if (typeof value === 'string') return HMAC.test(value) ? new UnknownText(value, lengthsOf(shape)) : value
  if (isJsonObject(value)) return ofObject(value, shape)
  if (!Array.isArray(value)) return value
  return value.map((item, at) => of(item, Array.isArray(shape) ? shape[at] : undefined))
}

function ofObject(value: JsonObject, shape: Shape | undefined): Record<string, Recorded> {
  const known = typeof shape === 'object' && !Array.isArray(shape) ? (shape as { readonly [name: string]: Shape }) : {}
  const found: Record<string, Recorded> = Object.create(null)
  for (const name of Object.keys(value)) {
    found[name] = of(value[name] ?? null, Object.hasOwn(known, name) ? known[name] : undefined)
  }
  return found
}

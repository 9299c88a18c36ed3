import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { data, type PluginAnswer, withStatus } from '../../answer.ts'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import { failed, isFailure } from './failure.ts'

/** What is asked for one message: the fields of a request, or of one item of its `batch_input`. */
export interface Item {
  readonly plaintext?: string
  readonly ciphertext?: string
  readonly input?: string
  readonly signature?: string
  readonly hmac?: string
  readonly context?: string
  readonly associated_data?: string
  readonly key_version?: number
  readonly reference?: string
}

/** The messages of a request. */
export interface Items {
  readonly isBatch: boolean
  readonly items: readonly Item[]
}

type TextName = Exclude<keyof Item, 'key_version'>
const TEXTS: readonly TextName[] = [
  'plaintext',
  'ciphertext',
  'input',
  'signature',
  'hmac',
  'context',
  'associated_data',
  'reference',
]

/**
 * The messages of a request: those of `batch_input` where there is one, and else the one that its fields tell.
 *
 * @throws {PluginRefusal} the batch is none.
 */
export function itemsOf(fields: Item & { readonly batch_input?: JsonValue | undefined }): Items {
  const { batch_input: batch, ...single } = fields
  if (batch === undefined) return { isBatch: false, items: [single] }
  if (!Array.isArray(batch))
    throw failed(`failed to parse batch input: source data must be an array or slice, got ${kindOf(batch)}`)
  if (batch.length === 0) throw new PluginRefusal('missing batch input to process')
  const problems: string[] = []
  const items = batch.map((item: JsonValue, at) => itemOf(item, at, problems))
  if (problems.length > 0) throw failed(`failed to parse batch input: ${problems.join('\n')}`)
  return { isBatch: true, items }
}

function itemOf(given: JsonValue, at: number, problems: string[]): Item {
  if (!isJsonObject(given)) {
    problems.push(`[${at}] expected a map, got '${kindOf(given)}'`)
    return {}
  }
  const item: Record<string, string | number> = {}
  for (const name of TEXTS) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    if (typeof value === 'string') item[name] = value
    else if (value !== undefined && value !== null)
      problems.push(`'[${at}].${name}' expected type 'string', got unconvertible type '${kindOf(value)}'`)
  }
  const version = Object.hasOwn(given, 'key_version') ? Number(given.key_version ?? 0) : 0
  if (Number.isSafeInteger(version)) item.key_version = version
  else problems.push(`'[${at}].key_version' expected type 'int'`)
  return item
}

/** As the servers' own language calls it. */
function kindOf(value: JsonValue): string {
  if (typeof value === 'number') return 'json.Number'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}

/** What became of a message. */
export type Outcome = { readonly result: JsonObject } | { readonly refusal: PluginRefusal }

/** Does `work` on each item, in order; what is refused stands in the place of its result. */
export async function outcomesOf(
  items: readonly Item[],
  work: (item: Item, at: number) => JsonObject | Promise<JsonObject>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const [at, item] of items.entries()) {
    try {
      outcomes.push({ result: await work(item, at) })
    } catch (error) {
      if (!(error instanceof PluginRefusal)) throw error
      outcomes.push({ refusal: error })
    }
  }
  return outcomes
}

/** How a batch is answered. */
export interface BatchReply {
  /** What stands in an item that was refused, beside its error. */
  readonly onRefusal?: JsonObject
  /** Status of a batch in which one was refused; 0: 400, or 500 if none of them was the caller's. Absent: always 200. */
  readonly partialStatus?: number
}

/** Answers with the one result, or with `batch_results` in the order of the items. */
export function replyOf(
  { isBatch, items }: Items,
  outcomes: readonly Outcome[],
  request: { readonly id: string },
  { onRefusal = {}, partialStatus }: BatchReply = {},
): PluginAnswer {
  const [first] = outcomes
  if (!isBatch) {
    if (first === undefined || 'refusal' in first) throw first?.refusal ?? new PluginRefusal('nothing to do')
    return data(first.result)
  }
  const results = outcomes.map((outcome, at) => ({
    ...('refusal' in outcome ? { ...onRefusal, error: outcome.refusal.message } : outcome.result),
    reference: items[at]?.reference ?? '',
  }))
  const refused = outcomes.flatMap((outcome) => ('refusal' in outcome ? [outcome.refusal] : []))
  const answer = data({ batch_results: results })
  if (partialStatus === undefined || refused.length === 0) return answer
  const status = refused.every(isFailure) ? 500 : 400
  return withStatus(partialStatus === 0 ? status : partialStatus, answer, request)
}

/** Bytes of the context of an item; `undefined` for none. @throws {PluginRefusal} it is no base64. */
export function contextOf({ context }: Item): Uint8Array | undefined {
  return context === undefined || context === '' ? undefined : readBase64(context)
}

import type { ErrorObject } from 'ajv/dist/2020.js'
import { PolicyLoadError } from '../errors/index.ts'
import { structureRefusal } from './load.ts'
import { Place } from './place.ts'

/** What is wrong with a part of a document. */
export interface DocumentFault {
  /** JSON pointer to the part; empty for the whole document. */
  readonly pointer: string
  /** What is wrong there; names keys and allowed values, never a value of the document. */
  readonly message: string
}

/**
 * All that `schema` finds wrong with `document`, in the words in which policies are refused; none: it is valid.
 *
 * For documents beside policies, such as a program's configuration. The schema is of JSON Schema 2020-12, trusted, and
 * compiled at each call.
 *
 * @param file - Name for nothing but the making of messages; stands in none.
 * @example
 * const faults = await documentFaults('config.json', parsePolicyText('config.json', text).document, schema)
 */
export async function documentFaults(
  file: string,
  document: unknown,
  schema: object,
): Promise<readonly DocumentFault[]> {
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const settings = { strict: true, strictTypes: false, ownProperties: true, verbose: true, logger: false } as const
  const check = new Ajv2020({ ...settings, allErrors: true }).compile(schema)
  if (check(document)) return []
  return (check.errors ?? []).map((error) => faultOf(file, error))
}

function faultOf(file: string, error: ErrorObject): DocumentFault {
  const refusal = structureRefusal(error, new Place(file))
  if (!(refusal instanceof PolicyLoadError)) return { pointer: error.instancePath, message: refusal.message }
  const { pointer, message } = refusal
  const prefix = pointer === '' ? `${file}: ` : `${file} at ${pointer}: `
  return { pointer, message: message.startsWith(prefix) ? message.slice(prefix.length) : message }
}

import { JsonTextError, parseJsonText } from './json-text.ts'
import { Place } from './place.ts'
import type { PolicyDocument } from './verdict.ts'

/** Largest policy file read, in UTF-16 units. */
export const POLICY_MAX_LENGTH: number = 1024 * 1024

/**
 * The document in a policy file's text: strict JSON, without comments or names that stand twice.
 *
 * @param file - Name for messages.
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`: no JSON, or too large; names the line.
 *
 * @example
 * parsePolicyText('orders.json', '{ "policy": "orders", "rules": [] }')
 */
export function parsePolicyText(file: string, text: string): PolicyDocument {
  const place = new Place(file)
  if (text.length > POLICY_MAX_LENGTH) throw place.refusal('larger than 1 MiB; split it into several policies')
  try {
    // Editors on Windows put a byte order mark in front.
    return { file, document: parseJsonText(text.startsWith('\uFEFF') ? text.slice(1) : text) }
  } catch (error) {
    if (error instanceof JsonTextError) throw place.refusal(`line ${error.line}: ${error.message}`)
    throw error
  }
}

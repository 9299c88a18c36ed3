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
  if (text.length > POLICY_MAX_LENGTH) throw place.refusal(TOO_LARGE)
  try {
    return { file, document: parsedText(text) }
  } catch (error) {
    if (error instanceof JsonTextError) throw place.refusal(`line ${error.line}: ${error.message}`)
    throw error
  }
}

/** What is said of a policy that is longer than {@link POLICY_MAX_LENGTH}. */
export const TOO_LARGE = 'larger than 1 MiB; split it into several policies'

/** The value in a policy's text, whose length has been looked at. @throws {JsonTextError} */
export function parsedText(text: string): unknown {
  // Editors on Windows put a byte order mark in front.
  return parseJsonText(text.startsWith('\uFEFF') ? text.slice(1) : text)
}

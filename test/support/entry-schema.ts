import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'

const url = new URL('../../schemas/audit-entry.schema.json', import.meta.url)

/** The published schema of audit entries. */
export const ENTRY_SCHEMA: { readonly $defs: Readonly<Record<string, unknown>> } = JSON.parse(readFileSync(url, 'utf8'))

const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(ENTRY_SCHEMA)

/** Does `entry`, as it stands in a line of the audit, satisfy the published schema? */
export function isEntry(entry: unknown): boolean {
  return validate(JSON.parse(JSON.stringify(entry)))
}

/** `entry`, as it stands in a line of the audit, satisfies the published schema. */
export function assertEntry(entry: unknown): void {
  assert.ok(isEntry(entry), `no audit entry: ${JSON.stringify(validate.errors)} in ${JSON.stringify(entry)}`)
}

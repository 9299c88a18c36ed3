import type { ValidateFunction } from 'ajv/dist/2020.js'
import { COMPILED_FORMAT } from '../../model/compiled-policies.ts'
import type { JsonObject } from '../../model/json.ts'
import { digestOf, inventoryOf } from '../changes.ts'
import { copyDocument } from '../document.ts'
import { loadPolicies } from '../load.ts'
import { Place } from '../place.ts'
import { loadSchemaCompiler, loadSourceCompiler, type SchemaCompiler } from '../schema-compiler.ts'
import type { PolicyDocument } from '../verdict.ts'

/** First line of every module: what begins so may be written over. */
export const COMPILED_HEADER =
  '// Made by "portcullis policy compile". Do not edit: change the policies, and compile them again.'

/**
 * The text of one ES module that holds `documents` and the checks of all their schemas.
 *
 * It imports nothing, generates no code at run time, and is the same for the same documents.
 * `createGateway({ policies })` takes its default export, and then loads no ajv.
 *
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`, as loading the documents does.
 */
export async function compilePolicies(documents: readonly PolicyDocument[]): Promise<string> {
  const copies = documents.map(({ file, document }) => ({ file, document: copyDocument(document, new Place(file)) }))
  const base = await loadSchemaCompiler(copies.map(({ document }) => document))
  const schemas = new Map<string, JsonObject>()
  await loadPolicies(copies, '', recording(base, schemas))
  const compile = await loadSourceCompiler(copies.map(({ document }) => document))
  const { default: standaloneCode } = await import('ajv/dist/standalone/index.js')
  const checks = await Promise.all(
    [...schemas].map(async ([text, schema]) => {
      const { ajv, validate } = compile(schema)
      const toCode = standaloneCode as unknown as (ajv: unknown, validate: ValidateFunction) => string
      return `  [${JSON.stringify(text)}]: ${factoryOf(toCode(ajv, validate))},\n`
    }),
  )
  const head = JSON.stringify({ format: COMPILED_FORMAT, digest: digestOf(inventoryOf(copies)), documents: copies })
  return `${COMPILED_HEADER}
/** @type {import('portcullis').CompiledPolicies} */
export default {
  ...${escaped(head)},
  checks: {
${checks.map(escaped).join('')}  },
}
`
}

/** Notes every schema that is checked. */
function recording(base: SchemaCompiler, schemas: Map<string, JsonObject>): SchemaCompiler {
  return {
    documentErrors: base.documentErrors,
    check(schema, use, place) {
      const check = base.check(schema, use, place)
      schemas.set(JSON.stringify(schema), schema)
      return check
    },
  }
}

/** A module of CommonJS as a function of what it would require. */
function factoryOf(code: string): string {
  const body = code
    .replace(/^"use strict";/, '')
    .replace('module.exports = ', 'const check = ')
    .replace(/module\.exports\.default = \w+;/, '')
    .replace(/require\("ajv\/dist\/runtime\/(equal|ucs2length)"\)\.default/g, 'runtime.$1')
    .replace(/= linearPattern;/g, '= runtime.linearPattern;')
  return `(runtime) => {${body}return check}`
}

/** Text of JSON can hold what ends a line, which JSON allows and some readers of modules do not. */
function escaped(text: string): string {
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

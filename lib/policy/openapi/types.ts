import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Endpoint, EndpointOperation } from './endpoints.ts'

/** First line of what is made: what begins so may be written over. */
export const TYPES_HEADER = '// Made by "portcullis policy generate". Do not edit: generate it again.'

/** Source of a module with the interface `Endpoints`: what is sent and answered at each pattern. */
export function typesOf(endpoints: readonly Endpoint[]): string {
  return `${TYPES_HEADER}

/** By the pattern of the path. For \`TypedGateway<Endpoints>\`. */
export interface Endpoints {
${endpoints.map(endpointText).join('')}}
`
}

function endpointText({ pattern, operations }: Endpoint): string {
  const lines = [...operations].map(([name, operation]) => {
    const { summary } = operation
    const doc = summary === undefined ? '' : `    /** ${comment(summary)} */\n`
    return `${doc}    readonly ${name}: ${operationText(name, operation)}\n`
  })
  return `  readonly ${JSON.stringify(pattern)}: {\n${lines.join('')}  }\n`
}

function operationText(name: string, { request, answer }: EndpointOperation): string {
  const answered = name === 'list' || name === 'scan' ? '{ readonly keys: readonly string[] }' : dataText(answer)
  if (name !== 'write' && name !== 'patch') return `{ readonly answer: ${answered} }`
  return `{ readonly request: ${dataText(request)}; readonly answer: ${answered} }`
}

const ANY_DATA = 'Readonly<Record<string, unknown>>'

function dataText(schema: JsonObject | undefined): string {
  const properties = schema !== undefined && isJsonObject(schema.properties) ? schema.properties : {}
  const names = Object.keys(properties)
  if (names.length === 0) return ANY_DATA
  const required: readonly JsonValue[] = Array.isArray(schema?.required) ? schema.required : []
  const lines = names.map((name) => {
    const each = properties[name]
    const text = isJsonObject(each) && typeof each.description === 'string' ? comment(each.description) : ''
    const doc = text === '' ? '' : `      /** ${text} */\n`
    const isDeprecated = isJsonObject(each) && each.deprecated === true ? '      /** @deprecated */\n' : ''
    return `${isDeprecated || doc}      readonly ${JSON.stringify(name)}${required.includes(name) ? '' : '?'}: ${valueText(each)}\n`
  })
  return `{\n${lines.join('')}    }`
}

function valueText(schema: JsonValue | undefined): string {
  if (!isJsonObject(schema)) return 'unknown'
  const { type, items, format } = schema
  if (Array.isArray(schema.enum) && type !== 'array')
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (type === 'string' || type === 'boolean' || type === 'number') return type
  if (type === 'integer') return format === 'seconds' ? 'number | string' : 'number'
  if (type === 'array') return `readonly (${valueText(items)})[]`
  return type === 'object' ? ANY_DATA : 'unknown'
}

/** Foreign words in a comment: on one line, and nothing that ends it. */
function comment(text: string): string {
  const plain = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll('*/', '* /')
    .trim()
  return plain.length > 160 ? `${plain.slice(0, 160)}…` : plain
}

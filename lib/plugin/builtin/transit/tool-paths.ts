import { createHash, randomBytes } from 'node:crypto'
import { data, type PluginAnswer } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import { hashOf } from './hashes.ts'

const MAX_RANDOM_BYTES = 131_072
const SOURCES: ReadonlySet<string> = new Set(['platform', 'seal', 'all'])

const RANDOM = {
  bytes: { type: 'integer', default: 32, description: 'How many; at most 131072.' },
  format: { type: 'string', default: 'base64', description: 'base64 or hex.' },
  urlbytes: { type: 'string' },
  source: { type: 'string', default: 'platform', description: 'platform, seal or all: here all the same.' },
} as const

/** What needs no key: hashes and random bytes. */
export const toolPaths: readonly Path[] = [
  path('hash/:urlalgorithm?', {
    summary: 'Hashes.',
    fields: {
      properties: {
        algorithm: { type: 'string', default: 'sha2-256', description: 'Hash.' },
        format: { type: 'string', default: 'hex', description: 'hex or base64.' },
        input: { type: 'string', description: 'Base64.' },
      },
    },
    update: ({ fields, params }) => {
      if (fields.input === undefined) throw new PluginRefusal('input missing')
      const input = readBase64(fields.input, 'unable to decode input as base64: ')
      const { format } = fields
      if (format !== 'hex' && format !== 'base64')
        throw new PluginRefusal(`unsupported encoding format ${format}; must be "hex" or "base64"`)
      const name = params.urlalgorithm ?? fields.algorithm
      const hash = name === 'sha1' ? undefined : hashOf(name)
      if (hash === undefined) throw new PluginRefusal(`unsupported algorithm ${name}`)
      return data({ sum: createHash(hash).update(input).digest(format) })
    },
  }),
  path('random/:source/:urlbytes', {
    summary: 'Random bytes.',
    fields: { properties: RANDOM },
    update: ({ fields, params }) => random(countIn(params.urlbytes), fields.format, params.source),
  }),
  path('random/:first?', {
    summary: 'Random bytes: of a source, or as many as the path says.',
    fields: { properties: RANDOM },
    update: ({ fields, params }) => {
      const { first } = params
      if (first !== undefined && SOURCES.has(first)) return random(fields.bytes, fields.format, first)
      return random(first === undefined ? fields.bytes : countIn(first), fields.format, fields.source)
    },
  }),
]

function countIn(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new PluginRefusal(
    `error parsing url-set byte count: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
  )
}

function random(bytes: number, format: string, source: string): PluginAnswer {
  if (bytes < 1) throw new PluginRefusal("'bytes' cannot be less than 1")
  if (bytes > MAX_RANDOM_BYTES) throw new PluginRefusal(`'bytes' should be less than ${MAX_RANDOM_BYTES}`)
  if (format !== 'hex' && format !== 'base64')
    throw new PluginRefusal(`unsupported encoding format ${JSON.stringify(format)}; must be "hex" or "base64"`)
  if (!SOURCES.has(source))
    throw new PluginRefusal(
      `unsupported entropy source ${JSON.stringify(source)}; must be "platform" or "seal", or "all"`,
    )
  const warnings =
    source === 'seal' ? { warnings: ['no seal/entropy augmentation available, using platform entropy source'] } : {}
  return { ...data({ random_bytes: randomBytes(bytes).toString(format) }), ...warnings }
}

import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { BackendPlugin } from '../definition.ts'
import type { FieldSchema } from '../fields/schema.ts'
import type { Path } from '../path.ts'

/**
 * The OpenAPI 3.0 document of `paths`, in the shape that Vault and OpenBao join into theirs.
 *
 * Bodies stand where they are used: a server that takes the document over from a plugin loses every `$ref` in it.
 */
export function openApiOf(plugin: BackendPlugin, paths: readonly Path[]): JsonObject {
  const items = paths.flatMap((path) => itemsOf(path).map((item) => [item, path] as const))
  return {
    openapi: '3.0.2',
    info: {
      title: `${plugin.name} plugin`,
      description: plugin.help ?? '',
      version: plugin.version.replace(/^v/, ''),
      license: { name: '', url: '' },
    },
    paths: Object.fromEntries(items.map(([item, path]) => [item.url, pathItem(plugin, path, item)])),
    components: { schemas: {} },
  }
}

interface Item {
  readonly url: string
  readonly parameters: readonly string[]
}

/** One for each form: an optional parameter makes two. */
function itemsOf({ pattern }: Path): readonly Item[] {
  const segments = pattern.text === '' ? [] : pattern.text.split('/')
  const forms = segments.at(-1)?.endsWith('?') === true ? [segments.slice(0, -1), segments] : [segments]
  return forms.map((form) => ({
    url: `/${form.map((segment) => (segment.startsWith(':') ? `{${nameOf(segment)}}` : segment)).join('/')}`,
    parameters: form.filter((segment) => segment.startsWith(':')).map(nameOf),
  }))
}

function nameOf(segment: string): string {
  return segment.slice(1).replace(/[?*+]$/, '')
}

function pathItem(plugin: BackendPlugin, path: Path, item: Item): JsonObject {
  const { handlers } = path
  const known = path.fields.properties ?? {}
  const parameters = item.parameters.map((name) => ({
    name,
    description: known[name]?.description ?? '',
    in: 'path',
    required: true,
    schema: schemaOf(known[name] ?? { type: 'string' }),
  }))
  return {
    description: path.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(path.isRoot ? { 'x-vault-sudo': true } : {}),
    ...(path.isUnauthenticated ? { 'x-vault-unauthenticated': true } : {}),
    ...(handlers.create === undefined || path.exists === undefined ? {} : { 'x-vault-createSupported': true }),
    ...(handlers.read === undefined && handlers.list === undefined ? {} : { get: getOf(plugin, path, item) }),
    ...(handlers.update === undefined && handlers.create === undefined
      ? {}
      : { post: writeOf(plugin, path, item, 'application/json') }),
    ...(handlers.patch === undefined ? {} : { patch: writeOf(plugin, path, item, 'application/merge-patch+json') }),
    ...(handlers.delete === undefined ? {} : { delete: { ...common(plugin, path, item, 'delete'), responses: EMPTY } }),
  }
}

const OK: JsonObject = { '200': { description: 'OK' } }
const EMPTY: JsonObject = { '204': { description: 'empty body' } }

function common(plugin: BackendPlugin, path: Path, item: Item, operation: string): JsonObject {
  const words = item.url.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return {
    summary: path.summary,
    operationId: [plugin.name, operation, ...words].join('-').toLowerCase(),
    tags: [plugin.type === 'auth' ? 'auth' : 'secrets'],
  }
}

function getOf(plugin: BackendPlugin, path: Path, item: Item): JsonObject {
  const { read, list } = path.handlers
  const query = Object.entries(path.fields.properties ?? {})
    .filter(([name]) => !path.pattern.parameters.includes(name))
    .map(([name, field]) => ({
      name,
      in: 'query',
      description: field.description ?? '',
      schema: schemaOf(field),
    }))
  const listing = {
    name: 'list',
    in: 'query',
    description: read === undefined ? 'Must be set to `true`' : 'Return a list if `true`',
    ...(read === undefined ? { required: true } : {}),
    schema: { type: 'string', ...(read === undefined ? { enum: ['true'] } : {}) },
  }
  const parameters = [...query, ...(list === undefined ? [] : [listing])]
  return {
    ...common(plugin, path, item, read === undefined ? 'list' : 'read'),
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: OK,
  }
}

function writeOf(plugin: BackendPlugin, path: Path, item: Item, contentType: string): JsonObject {
  const operation = contentType === 'application/json' ? 'write' : 'patch'
  const body = Object.entries(path.fields.properties ?? {}).filter(([name]) => !path.pattern.parameters.includes(name))
  const head = { ...common(plugin, path, item, operation), responses: OK }
  if (body.length === 0) return head
  const required = (path.fields.required ?? []).filter((field) => !path.pattern.parameters.includes(field))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(body.map(([field, own]) => [field, schemaOf(own)])),
    ...(required.length === 0 || operation === 'patch' ? {} : { required }),
  }
  return { ...head, requestBody: { required: true, content: { [contentType]: { schema } } } }
}

/** OpenAPI 3.0 knows most of JSON Schema, and neither `const` nor `examples`; the server's name of a duration is `seconds`. */
function schemaOf(field: FieldSchema): JsonObject {
  const {
    const: only,
    examples,
    items,
    properties,
    additionalProperties,
    exclusiveMinimum,
    exclusiveMaximum,
    ...rest
  } = field
  const plain: Record<string, JsonValue> = { ...(rest as JsonObject) }
  if (field.format === 'duration' || field.format === 'signed-duration') plain.format = 'seconds'
  else if (field.format === 'base64') plain.format = 'byte'
  else delete plain.format
  if (only !== undefined) plain.enum = [only]
  if (exclusiveMinimum !== undefined) Object.assign(plain, { minimum: exclusiveMinimum, exclusiveMinimum: true })
  if (exclusiveMaximum !== undefined) Object.assign(plain, { maximum: exclusiveMaximum, exclusiveMaximum: true })
  if (examples?.[0] !== undefined) plain.example = examples[0]
  if (field.type === 'array') plain.items = items === undefined ? {} : schemaOf(items)
  if (properties !== undefined)
    plain.properties = Object.fromEntries(Object.entries(properties).map(([name, own]) => [name, schemaOf(own)]))
  if (additionalProperties !== undefined)
    plain.additionalProperties =
      typeof additionalProperties === 'boolean' ? additionalProperties : schemaOf(additionalProperties)
  return plain
}

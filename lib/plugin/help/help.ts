import type { BackendReply } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import type { BackendPlugin } from '../definition.ts'
import type { FieldSchema } from '../fields/schema.ts'
import type { InstanceRequest } from '../instance-request.ts'
import type { Path } from '../path.ts'
import { refusal } from '../reply.ts'
import type { Routes } from '../routes.ts'
import { openApiOf } from './open-api.ts'

/** Answers operation `help`: the overview at the root of the mount, else that of one path. */
export function helpOf(plugin: BackendPlugin, routes: Routes, request: InstanceRequest): BackendReply {
  if (request.path === '') return reply(rootText(plugin, routes.paths), openApiOf(plugin, routes.paths))
  const path = request.path.endsWith('/') ? request.path.slice(0, -1) : request.path
  const found = routes.find(path) ?? routes.find(request.path)
  if (found === undefined) return refusal('unsupported-path')
  return reply(pathText(path, found.route.path), openApiOf(plugin, [found.route.path]))
}

function reply(help: string, openapi: JsonObject): BackendReply {
  const data = JSON.stringify({ help, see_also: null, openapi })
  return { response: { data, redirect: '', warnings: [], wrapTtlMs: 0, headers: {} } }
}

function rootText({ name, version, help = '' }: BackendPlugin, paths: readonly Path[]): string {
  const title = version === '' ? name : `${name} ${version}`
  const lines = paths.flatMap(({ pattern, summary }) => [
    `    ${pattern.text === '' ? '/' : pattern.text}`,
    ...(summary === '' ? [] : [`        ${summary}`]),
    '',
  ])
  const text = help.trim() === '' ? [] : ['## DESCRIPTION', '', help.trim(), '']
  return [
    `## ${title.toUpperCase()}`,
    '',
    ...text,
    '## PATHS',
    '',
    'Ask for help on one of them for more.',
    '',
    ...lines,
  ]
    .join('\n')
    .trimEnd()
}

function pathText(request: string, { pattern, summary, description, fields }: Path): string {
  const entries = Object.entries(fields.properties ?? {})
  const parts = [
    `Request:        ${request}`,
    `Matching Route: ${pattern.text}`,
    '',
    summary === '' ? '<no synopsis>' : summary,
  ]
  if (entries.length > 0) parts.push('', '## PARAMETERS', ...entries.flatMap(([name, field]) => fieldText(name, field)))
  if (description.trim() !== '') parts.push('', '## DESCRIPTION', '', description.trim())
  return parts.join('\n')
}

function fieldText(name: string, field: FieldSchema): readonly string[] {
  const type = field.format ?? field.type ?? 'any'
  const standard = field.default === undefined ? '' : `, default ${JSON.stringify(field.default)}`
  const old = field.deprecated === true ? ', deprecated' : ''
  const text = field.description === undefined ? [] : [`        ${field.description}`]
  return ['', `    ${name} (${type}${standard}${old})`, ...text]
}

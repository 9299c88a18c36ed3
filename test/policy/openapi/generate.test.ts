import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../lib/model/json.ts'
import { type Generated, generateFromOpenApi } from '../../../lib/policy/openapi/generate.ts'
import { ANYONE, engineOf, request } from '../support.ts'

const json = (schema: object): object => ({ content: { 'application/json': { schema } } })
const get = (more: object = {}): object => ({ operationId: 'get', responses: {}, ...more })
const PATHS = {
  '/kv/data/{path}': {
    get: get({ operationId: 'kv-read' }),
    post: { operationId: 'kv-write', requestBody: json({ $ref: '#/components/schemas/Write' }), responses: {} },
  },
  '/kv/list/{path}': { get: get({ parameters: [{ name: 'list', in: 'query' }] }) },
  '/kv/only-list': { get: get({ parameters: [{ name: 'list', in: 'query', required: true }] }) },
  '/kv/one/{name}/end': { delete: { responses: {} }, 'x-vault-sudo': true },
  '/kv/one/{other}/end': { get: get({ responses: { 200: json({ properties: { a: { type: 'integer' } } }) } }) },
  '/transit/x': { get: get() },
}
const SCHEMAS = {
  Write: {
    type: 'object',
    required: ['data'],
    properties: {
      data: { type: 'object', description: 'ends */ here\n\u2028now' },
      ttl: { type: 'integer', format: 'seconds' },
      names: { type: 'array', items: { type: 'string' } },
      kind: { type: 'string', enum: ['a', "b'"] },
      old: { type: 'boolean', deprecated: true },
    },
  },
}

const generated = (
  mounts: readonly string[] = ['kv/'],
  document: JsonObject = { openapi: '3.0.2', paths: PATHS, components: { schemas: SCHEMAS } } as never,
): Generated => generateFromOpenApi(document, { file: 'openapi.json', mounts })

test('each endpoint of the mounts has its rules, with a schema of what is written', () => {
  const { policy, endpoints } = generated()
  assert.equal(endpoints, 4)
  assert.deepEqual(policy, {
    policy: 'kv',
    rules: [
      { id: 'kv-read', path: 'kv/data/*', operations: ['read'], effect: 'allow' },
      {
        id: 'kv-read-write',
        path: 'kv/data/*',
        operations: ['write'],
        effect: 'allow',
        request: {
          properties: {
            data: { type: 'object' },
            ttl: { type: ['integer', 'string'], pattern: '^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d)?)+$' },
            names: { type: ['array', 'string'], items: { type: 'string' } },
            kind: { enum: ['a', "b'"] },
            old: { type: 'boolean' },
          },
          required: ['data'],
          additionalProperties: false,
        },
      },
      { id: 'get', path: 'kv/list/*', operations: ['list', 'read'], effect: 'allow' },
      { id: 'get-2', path: 'kv/only-list', operations: ['list'], effect: 'allow' },
      { id: 'kv/one/-/end', path: 'kv/one/+/end', operations: ['read', 'delete', 'sudo'], effect: 'allow' },
    ],
  })
})

test('what is generated loads, and refuses a field that the server does not name', async () => {
  const engine = await engineOf(generated().policy)
  const said = (data: JsonObject): string =>
    engine.decide(ANYONE, request('write', 'kv/data/a/b', { data })).decision.message
  assert.match(said({ data: {}, ttl: '1h' }), /allows/)
  assert.match(said({ data: {}, tttl: 1 }), /^\/data must have no properties but "data", "ttl", "names", "kind", "old"/)
})

test('types say what is sent and answered, and foreign words cannot get out of their comments', () => {
  const { types } = generated()
  assert.ok(types.includes('/** ends * / here now */'), types)
  assert.ok(types.includes('readonly "data": Readonly<Record<string, unknown>>'))
  assert.ok(types.includes('readonly "kind"?: "a" | "b\'"'))
  assert.ok(types.includes('readonly "a"?: number'))
})

test('no OpenAPI, or a mount that is not there, is refused with what there is', () => {
  assert.throws(() => generated(['kv/'], { paths: {} }), {
    message: 'openapi.json: is no OpenAPI document: ask a server for sys/internal/specs/openapi',
  })
  assert.throws(() => generated(['pki/']), {
    message: 'openapi.json at /paths: there is nothing below /pki/; mounts are kv/, transit/',
  })
})

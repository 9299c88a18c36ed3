import assert from 'node:assert/strict'
import { test } from 'node:test'
import { data, definePlugin, PluginRefusal, path } from 'portcullis/plugin'
import { testPlugin } from 'portcullis/plugin/testing'
import { compileFields } from '../../../lib/plugin/fields/fields.ts'

const read = compileFields({
  properties: {
    name: { type: 'string' },
    ttl: { type: 'integer', format: 'duration', default: '24h' },
    must: { type: 'string' },
  },
  required: ['must'],
})

test('defaults are read like values, and stay out of a patch', () => {
  assert.deepEqual(read({ must: 'a' }, {}, 'write').values, { must: 'a', ttl: 86_400 })
  assert.deepEqual(read({}, {}, 'ask').values, { ttl: 86_400 })
  assert.deepEqual(read({ ttl: 1 }, {}, 'patch').values, { ttl: 1 })
})

test('what is required has to be written, and null is nothing', () => {
  assert.throws(() => read({}, {}, 'write'), { message: '"must" is required' })
  assert.throws(() => read({ must: null }, {}, 'write'), { message: '"must" is required' })
})

test('names that every object has are names like any other', () => {
  const body = JSON.parse('{"__proto__":{"must":"x"},"constructor":1,"toString":2}')
  assert.throws(() => read(body, {}, 'write'), { message: '"must" is required' })
  assert.deepEqual(read({ ...body, must: 'a' }, {}, 'write').ignored, ['__proto__', 'constructor', 'toString'])
})

test('schemas that cannot be used are refused when a plugin is defined, or mounted where they depend on the mount', async () => {
  const broken = path('a', {
    fields: { properties: { ttl: { type: 'integer', default: 'soon' } } },
    read: () => undefined,
  })
  assert.throws(() => definePlugin({ name: 'x', type: 'secret', paths: [broken] }), {
    name: 'TypeError',
    message: 'the default of field "ttl" must be an integer',
  })
  const late = definePlugin({ name: 'x', type: 'secret', paths: () => [broken] })
  await assert.rejects(testPlugin(late), TypeError)
  assert.throws(() => compileFields({ required: ['nobody'] }), TypeError)
  assert.throws(() => compileFields({ properties: { 'a b': {} } }), TypeError)
})

test('a patch, a scan, and looks ahead reach their handlers', async () => {
  const plugin = definePlugin({
    name: 'all',
    type: 'auth',
    paths: [
      path('login/:user', {
        fields: { properties: { role: { type: 'string', default: 'r' } } },
        unauthenticated: true,
        write: () => undefined,
        aliasLookahead: ({ params }) => ({ auth: { alias: { name: params.user } } }),
        resolveRole: ({ fields }) => data({ role: fields.role }),
        patch: ({ fields }) => data({ given: fields.role ?? null }),
        scan: ({ path }) => data({ keys: [path] }),
      }),
    ],
  })
  const mounted = await testPlugin(plugin)
  assert.equal((await mounted.request('alias-lookahead', 'login/ann')).auth?.alias?.name, 'ann')
  assert.deepEqual((await mounted.request('resolve-role', 'login/ann')).data, { role: 'r' })
  assert.deepEqual((await mounted.request('patch', 'login/ann', {})).data, { given: null })
  assert.deepEqual((await mounted.request('scan', 'login/ann/')).data, { keys: ['login/ann/'] })
})

test('what an existence check refuses is an error of the caller, and nothing is written', async () => {
  let writes = 0
  const plugin = definePlugin({
    name: 'picky',
    type: 'secret',
    paths: [
      path('a', {
        exists: () => {
          throw new PluginRefusal('not now')
        },
        create: () => {
          writes += 1
        },
      }),
    ],
  })
  const mounted = await testPlugin(plugin)
  const { status, errors } = await mounted.request('write', 'a', {})
  assert.deepEqual([status, errors, writes], [400, ['not now'], 0])
})

import { definePlugin, type FieldsSchema, type PluginRequest, path, type ValueOf } from 'portcullis/plugin'
import { type Equal, expectTypes } from './equal.ts'

/** What handlers get, by the schema of their fields. Only compiled. */
export function fields(): void {
  path('a/:name/:version?', {
    fields: {
      properties: {
        name: { type: 'string' },
        ttl: { type: 'integer', format: 'duration' },
        kind: { type: 'string', enum: ['x', 'y'] },
        on: { type: 'boolean', default: true },
        list: { type: 'array', items: { type: 'number' } },
        pairs: { type: 'object', format: 'key-value' },
        deep: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } }, required: ['a'] },
      },
      required: ['ttl'],
    },
    write: (request) =>
      expectTypes<
        [
          Equal<(typeof request.fields)['name'], string>,
          Equal<(typeof request.fields)['ttl'], number>,
          Equal<(typeof request.fields)['kind'], 'x' | 'y' | undefined>,
          Equal<(typeof request.fields)['on'], boolean>,
          Equal<(typeof request.fields)['list'], readonly number[] | undefined>,
          Equal<(typeof request.fields)['pairs'], Readonly<Record<string, string>> | undefined>,
          Equal<(typeof request.fields)['deep'], { readonly a: string; readonly b: number | undefined } | undefined>,
          Equal<(typeof request.params)['name'], string>,
          Equal<(typeof request.params)['version'], string | undefined>,
        ]
      >(),
    read: (request) =>
      expectTypes<
        [
          // What is required of a write is not required of a question.
          Equal<(typeof request.fields)['ttl'], number | undefined>,
          Equal<(typeof request.fields)['on'], boolean>,
          Equal<(typeof request.fields)['name'], string>,
        ]
      >(),
    patch: (request) =>
      expectTypes<
        [Equal<(typeof request.fields)['on'], boolean | undefined>, Equal<(typeof request.fields)['name'], string>]
      >(),
  })
  expectTypes<[Equal<ValueOf<{ readonly type: 'string' }>, string>, Equal<ValueOf<{ readonly const: 5 }>, 5>]>()
}

/** What is refused. */
export function refused(): void {
  // @ts-expect-error create needs exists
  path('a', { create: () => undefined })
  // @ts-expect-error there is no such parameter
  path('a/:name', { read: ({ params }) => ({ data: { x: params.nome } }) })
  // @ts-expect-error there is no such format
  path('a', { fields: { properties: { x: { type: 'string', format: 'email' } } }, read: () => undefined })
  // @ts-expect-error there is no such type
  definePlugin({ name: 'x', type: 'secrets', paths: [] })
  const schema: FieldsSchema = {}
  const untyped = (request: PluginRequest): unknown => [request.fields, schema]
  untyped satisfies (request: PluginRequest) => unknown
}

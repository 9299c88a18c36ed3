/** The plugin itself: notes, each with its text, kept per mount. */
export function pluginFile(name: string): string {
  return `import { type BackendPlugin, data, definePlugin, listOf, path } from 'portcullis/plugin'

interface Note {
  readonly text: string
}

export const plugin: BackendPlugin = definePlugin({
  name: '${name}',
  version: 'v0.1.0',
  type: 'secret',
  help: 'Keeps notes. Replace this by what your plugin does.',
  paths: [
    path('notes/:note', {
      summary: 'A note.',
      fields: {
        properties: { text: { type: 'string', minLength: 1, maxLength: 4096, description: 'What it says.' } },
        required: ['text'],
      },
      read: async ({ params, storage }) => {
        const note = await storage.getJson<Note>(\`notes/\${params.note}\`)
        return note === undefined ? undefined : data({ text: note.text })
      },
      write: ({ params, fields, storage }) => storage.putJson(\`notes/\${params.note}\`, { text: fields.text }),
      delete: ({ params, storage }) => storage.delete(\`notes/\${params.note}\`),
    }),
    path('notes', { summary: 'Names of the notes.', list: async ({ storage }) => listOf(await storage.list('notes/')) }),
  ],
})
`
}

/** What a server starts. */
export function mainFile(): string {
  return `import { serve } from 'portcullis/plugin'
import { plugin } from './plugin.ts'

await serve(plugin)
`
}

export function testFile(name: string): string {
  return `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlugin } from 'portcullis/plugin/testing'
import { plugin } from './plugin.ts'

test('${name} keeps a note, lists it and forgets it', async (t) => {
  const mounted = await testPlugin(plugin)
  t.after(() => mounted.close())
  await mounted.request('write', 'notes/first', { text: 'hello' })
  assert.deepEqual((await mounted.request('read', 'notes/first')).data, { text: 'hello' })
  assert.deepEqual((await mounted.request('list', 'notes/')).data, { keys: ['first'] })
  await mounted.request('delete', 'notes/first')
  assert.equal((await mounted.request('read', 'notes/first')).status, 404)
})

test('${name} refuses a note without text', async (t) => {
  const mounted = await testPlugin(plugin)
  t.after(() => mounted.close())
  assert.equal((await mounted.request('write', 'notes/first', {})).status, 400)
  assert.equal(mounted.storage.size, 0)
})
`
}

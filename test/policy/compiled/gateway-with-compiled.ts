import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Files of ajv that were loaded. */
const loaded: string[] = []
registerHooks({
  load(url, context, next) {
    if (/\/node_modules\/ajv\//.test(url)) loaded.push(url)
    return next(url, context)
  },
})

// After the hook, which is to see everything that these load.
const { callback, createGateway, token } = await import('portcullis')
const { default: policies } = await import(pathToFileURL(process.argv[2] ?? '').href)
const gateway = await createGateway({
  server: { address: 'http://127.0.0.1:1' },
  auth: token({ token: 'none' }),
  policies,
  audit: { devices: [callback('none', () => {})] },
})
const decide = (data: object): unknown => {
  const { effect, pointer, keyword } = gateway.explain({ operation: 'write', path: 'kv/a', data }).decision
  return [effect, pointer, keyword]
}
process.stdout.write(JSON.stringify({ loaded, allowed: decide({ a: 'aaa' }), refused: decide({ a: 'b' }) }))
await gateway.close()

// Node's own: loading it opens the standard streams.
import 'node:http'
import { createRequire } from 'node:module'

const before = { names: process.eventNames(), resources: process.getActiveResourcesInfo() }
const imported = await import('portcullis')
const testing = await import('portcullis/testing')
const policy = await import('portcullis/policy')
const schema = await import('portcullis/schemas/policy.schema.json', { with: { type: 'json' } })
const required = createRequire(import.meta.url)('portcullis')
const after = { names: process.eventNames(), resources: process.getActiveResourcesInfo() }
const isThere = async (name) => (await import(name).catch(() => undefined)) !== undefined

console.log(
  JSON.stringify({
    before,
    after,
    exports: Object.keys(imported),
    testing: Object.keys(testing),
    policy: Object.keys(policy),
    schemaId: schema.default.$id,
    oneInstance: Object.keys(imported).every((name) => imported[name] === required[name]),
    hasDefault: 'default' in imported,
    hasOpenTelemetry: await isThere('@opentelemetry/api'),
  }),
)

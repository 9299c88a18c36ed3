// An application on the OpenTelemetry 2.x line: governed reads at the server argv[2], with the token argv[4], exported to the receiver argv[3].
import { existsSync } from 'node:fs'
import * as api from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
// biome-ignore lint/correctness/noUndeclaredDependencies: the test installs the tarball beside the locked packages.
import { callback, createGateway, otel, token } from 'portcullis'

const { context, trace } = api
const [, , address, receiver, credential] = process.argv
const loggers = new LoggerProvider({
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${receiver}/v1/logs` }) })],
})
const tracers = new BasicTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${receiver}/v1/traces` }))],
})
logs.setGlobalLoggerProvider(loggers)
trace.setGlobalTracerProvider(tracers)
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

const entries = []
const warnings = []
const gateway = await createGateway({
  server: { address, proxy: false },
  auth: token({ token: credential }),
  policies: [
    { policy: 'orders', rules: [{ id: 'db', path: 'database/creds/+', operations: ['read'], effect: 'allow' }] },
  ],
  audit: { devices: [otel(), callback('required', (entry) => void entries.push(entry))] },
})
gateway.on('warning', ({ message }) => warnings.push(message))

const handler = await trace.getTracer('application').startActiveSpan('handler', async (span) => {
  await gateway.read('database/creds/orders')
  const { data: credentials } = await gateway.read('database/creds/orders')
  await gateway.read('sys/mounts').catch(() => undefined)
  span.end()
  return { ...span.spanContext(), credentials }
})
await gateway.close()
await Promise.all([loggers.shutdown(), tracers.shutdown()])

const isThere = (path) => existsSync(new URL(`node_modules/${path}`, import.meta.url))
const written = entries.map(({ type, sequence }) => [`portcullis.audit.${type}`, sequence])
const hasOwnApi = isThere('portcullis/node_modules/@opentelemetry')
console.log(
  JSON.stringify({ written, warnings, handler, credentials: handler.credentials, hasOwnApi, hasLogs: 'logs' in api }),
)

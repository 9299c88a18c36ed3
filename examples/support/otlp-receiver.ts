import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AttributeValue, attributesOf, type OtlpAny, type OtlpAttribute, plain } from './otlp-value.ts'

/** The signals, as their endpoints are named. */
export type Signal = 'logs' | 'traces' | 'metrics'

/** One export as it came. */
export interface Received {
  readonly signal: Signal
  readonly headers: IncomingMessage['headers']
  readonly bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: the OTLP envelope is deep, and only parts of it are looked at.
  readonly body: any
  /** Was it answered 200? */
  readonly accepted: boolean
}

export interface LogRecord {
  readonly eventName: string
  readonly severityText: string
  readonly severityNumber: number
  /** Nanoseconds since 1970, as text. */
  readonly timeUnixNano: string
  readonly traceId: string
  readonly spanId: string
  readonly body: AttributeValue
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly scope: string
}

export interface SpanRecord {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  /** 0 unset, 1 ok, 2 error. */
  readonly statusCode: number
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly scope: string
}

export interface MetricPoint {
  readonly name: string
  readonly unit: string
  /** Of a sum or gauge: its value; of a histogram: its count. */
  readonly value: number
  /** Of a histogram. */
  readonly sum: number | undefined
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

/**
 * How an export is answered: with 200, not at all, by a connection that is reset, with 200 and `partialSuccess` for all but the
 * first record, or with that status.
 */
export type Behaviour = 'accept' | 'hang' | 'reset' | 'partial' | number

/** A receiver of OTLP over HTTP with JSON bodies, for `/v1/logs`, `/v1/traces` and `/v1/metrics`. */
export interface OtlpReceiver {
  /** `http://127.0.0.1:PORT`; the exporters' `url` is this plus `/v1/logs` and so on. */
  readonly address: string
  /** All that came, refused ones included. */
  readonly received: readonly Received[]
  /** From here on: how exports are answered. */
  behave(how: Behaviour): void
  /** Records of all exports that were accepted, in order of arrival. */
  logRecords(): readonly LogRecord[]
  spans(): readonly SpanRecord[]
  metricPoints(): readonly MetricPoint[]
  /** All bytes that came, as one text: to search for what must not be there. */
  text(): string
  /** Resolves when `isReached` says yes, asked after each export. @throws {Error} after `timeoutMs` (default 5,000). */
  until(isReached: () => boolean, timeoutMs?: number): Promise<void>
  /** Cuts connections that hang. Idempotent. */
  stop(): Promise<void>
}

/** Starts a receiver on a port of 127.0.0.1; 0: a free one. */
export async function launchOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const received: Received[] = []
  const watchers = new Set<() => void>()
  let how: Behaviour = 'accept'
  const server = createServer((request, response) => {
    void receive(request, response, how).then((export_) => {
      if (export_ !== undefined) received.push(export_)
      for (const watcher of watchers) watcher()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const accepted = (signal: Signal): readonly Received[] =>
    received.filter((export_) => export_.accepted && export_.signal === signal)
  return {
    address: addressOf(server),
    received,
    behave(next): void {
      how = next
    },
    logRecords: () => accepted('logs').flatMap(({ body }) => logRecordsOf(body)),
    spans: () => accepted('traces').flatMap(({ body }) => spansOf(body)),
    metricPoints: () => accepted('metrics').flatMap(({ body }) => metricPointsOf(body)),
    text: () => received.map(({ bytes }) => bytes.toString('utf8')).join('\n'),
    until: (isReached, timeoutMs = 5_000) => until(watchers, isReached, timeoutMs),
    async stop(): Promise<void> {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function addressOf(server: Server): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

const SIGNALS: Readonly<Record<string, Signal>> = {
  '/v1/logs': 'logs',
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  how: Behaviour,
): Promise<Received | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk)
  } catch {
    return undefined
  }
  const bytes = Buffer.concat(chunks)
  const signal = SIGNALS[request.url ?? '']
  const body = jsonOf(bytes)
  const status = statusOf(signal, body, how)
  if (how === 'reset') request.socket.resetAndDestroy()
  else if (status !== 0) response.writeHead(status, { 'content-type': 'application/json' }).end(answerOf(body, how))
  if (signal === undefined) return undefined
  return { signal, headers: request.headers, bytes, body, accepted: status === 200 && how !== 'partial' }
}

/** 0 where none is told. */
function statusOf(signal: Signal | undefined, body: unknown, how: Behaviour): number {
  if (signal === undefined) return 404
  if (body === undefined) return 400
  if (how === 'hang' || how === 'reset') return 0
  return how === 'accept' || how === 'partial' ? 200 : how
}

function answerOf(body: Loose, how: Behaviour): string {
  if (how !== 'partial') return '{}'
  const rejectedLogRecords = String(logRecordsOf(body).length - 1)
  return JSON.stringify({ partialSuccess: { rejectedLogRecords, errorMessage: 'rejected' } })
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function until(watchers: Set<() => void>, isReached: () => boolean, timeoutMs: number): Promise<void> {
  if (isReached()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      watchers.delete(watcher)
      settle()
    }
    const timer = setTimeout(() => end(() => reject(new Error(`not reached within ${timeoutMs} ms`))), timeoutMs)
    const watcher = (): void => {
      if (isReached()) end(resolve)
    }
    watchers.add(watcher)
  })
}

// biome-ignore lint/suspicious/noExplicitAny: see Received.body.
type Loose = any

function logRecordsOf(body: Loose): readonly LogRecord[] {
  return inScopes(body.resourceLogs, 'scopeLogs', 'logRecords').map(([record, scope]) => ({
    eventName: record.eventName ?? '',
    severityText: record.severityText ?? '',
    severityNumber: record.severityNumber ?? 0,
    timeUnixNano: String(record.timeUnixNano ?? ''),
    traceId: record.traceId ?? '',
    spanId: record.spanId ?? '',
    body: plain(record.body as OtlpAny | undefined),
    attributes: attributesOf(record.attributes as readonly OtlpAttribute[] | undefined),
    scope,
  }))
}

function spansOf(body: Loose): readonly SpanRecord[] {
  return inScopes(body.resourceSpans, 'scopeSpans', 'spans').map(([span, scope]) => ({
    name: span.name,
    kind: span.kind ?? 0,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    statusCode: span.status?.code ?? 0,
    attributes: attributesOf(span.attributes),
    scope,
  }))
}

function metricPointsOf(body: Loose): readonly MetricPoint[] {
  return inScopes(body.resourceMetrics, 'scopeMetrics', 'metrics').flatMap(([metric]) => {
    const points: readonly Loose[] = (metric.sum ?? metric.gauge ?? metric.histogram)?.dataPoints ?? []
    return points.map((point) => ({
      name: metric.name,
      unit: metric.unit ?? '',
      value: Number(point.asInt ?? point.asDouble ?? point.count ?? 0),
      sum: point.sum,
      attributes: attributesOf(point.attributes),
    }))
  })
}

/** The items of all scopes of all resources, each with the name of its scope. */
function inScopes(resources: Loose, scopes: string, items: string): readonly (readonly [Loose, string])[] {
  return ((resources ?? []) as readonly Loose[]).flatMap((resource) =>
    ((resource[scopes] ?? []) as readonly Loose[]).flatMap((scope) =>
      ((scope[items] ?? []) as readonly Loose[]).map((item) => [item, scope.scope?.name ?? ''] as const),
    ),
  )
}

import type * as Api from '@opentelemetry/api'
import type { Logger, LogRecord } from '@opentelemetry/api'
import type { Emitter } from './emitter.ts'

/** Instrumentation scope of everything we emit. */
export const SCOPE = 'portcullis'
export const SCOPE_VERSION = '0.1.0'

/** The optional peer `@opentelemetry/api`, where the application has it. Never rejects: a broken peer stops no gateway. */
export async function loadApi(): Promise<typeof Api | undefined> {
  return installed(() => import('@opentelemetry/api'))
}

/** Where log records go. */
export interface LogBridge {
  /** `false` when no provider answers: the record went nowhere. */
  emit(record: LogRecord): boolean
}

/**
 * Finds the logs API that somebody listens to.
 *
 * Since 1.10 the logs API is part of `@opentelemetry/api`; before, it was `@opentelemetry/api-logs`. The two
 * keep their providers in different globals and do not see each other: a record given to the wrong one is
 * lost without a word. Each record goes to one of them, the newer where both are registered. The registries
 * are looked at each time, so that a provider that comes late, or takes another's place, is found.
 */
export async function createLogBridge(): Promise<LogBridge> {
  const current: { readonly logs?: LogsApi } | undefined = await loadApi()
  const old: { readonly logs?: LogsApi } | undefined = await installed(() => import('@opentelemetry/api-logs'))
  let registered: unknown
  let logger: Logger | undefined
  const find = (): Logger | undefined => {
    const newer = currentProvider()
    const provider = newer ?? oldProvider()
    if (provider === registered) return logger
    const logs = newer === undefined ? old?.logs : current?.logs
    logger = provider === undefined ? undefined : logs?.getLogger(SCOPE, SCOPE_VERSION)
    registered = provider
    return logger
  }
  return { emit: (record) => emitTo(find(), record) }
}

/** A bridge to one logger, whatever is registered. */
export function bridgeTo(logger: Emitter): LogBridge {
  return { emit: (record) => emitTo(logger, record) }
}

function emitTo(logger: Emitter | undefined, record: LogRecord): boolean {
  logger?.emit(record)
  return logger !== undefined
}

interface LogsApi {
  getLogger(name: string, version?: string): Logger
}

// The registries are looked at themselves: both APIs hand out a proxy where nobody is registered, and class names do not survive minifying.
const CURRENT_REGISTRY = Symbol.for('opentelemetry.js.api.1')
const OLD_REGISTRY = Symbol.for('io.opentelemetry.js.api.logs')

function currentProvider(): unknown {
  const registry: unknown = Reflect.get(globalThis, CURRENT_REGISTRY)
  return typeof registry === 'object' && registry !== null ? Reflect.get(registry, 'logs') : undefined
}

function oldProvider(): unknown {
  return Reflect.get(globalThis, OLD_REGISTRY)
}

async function installed<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load()
  } catch {
    return undefined
  }
}

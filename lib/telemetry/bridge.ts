import type * as Api from '@opentelemetry/api'
import type { Logger, LogRecord } from '@opentelemetry/api'

/** The optional peer `@opentelemetry/api`, if the application has it. */
export async function loadApi(): Promise<typeof Api | undefined> {
  return installed(() => import('@opentelemetry/api'))
}

/** Instrumentation scope of everything we emit. */
export const SCOPE = 'portcullis'
export const SCOPE_VERSION = '0.1.0'

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
 * lost without a word. Each record goes to one of them, and a provider that is registered late is found.
 */
export async function createLogBridge(): Promise<LogBridge> {
  const current = (await loadApi()) as { readonly logs?: LogsApi } | undefined
  const old: { readonly logs: LogsApi } | undefined = await installed(() => import('@opentelemetry/api-logs'))
  let logger: Logger | undefined
  const find = (): Logger | undefined => {
    const logs = isCurrentRegistered() ? current?.logs : isOldRegistered() ? old?.logs : undefined
    return logs?.getLogger(SCOPE, SCOPE_VERSION)
  }
  return {
    emit(record): boolean {
      logger ??= find()
      logger?.emit(record)
      return logger !== undefined
    },
  }
}

/** What both logs APIs have. */
interface LogsApi {
  getLogger(name: string, version?: string): Logger
}

// The registries are looked at themselves: both APIs hand out a proxy where nobody is registered, and class names do not survive minifying.
const CURRENT_REGISTRY = Symbol.for('opentelemetry.js.api.1')
const OLD_REGISTRY = Symbol.for('io.opentelemetry.js.api.logs')

function isCurrentRegistered(): boolean {
  const registry: unknown = Reflect.get(globalThis, CURRENT_REGISTRY)
  return typeof registry === 'object' && registry !== null && 'logs' in registry
}

function isOldRegistered(): boolean {
  return Reflect.get(globalThis, OLD_REGISTRY) !== undefined
}

async function installed<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

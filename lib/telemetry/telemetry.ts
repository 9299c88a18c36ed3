import type * as Api from '@opentelemetry/api'
import type { Counter, Histogram } from '@opentelemetry/api'
import {
  type Attributes,
  type CounterName,
  NO_TELEMETRY,
  type Span,
  type SpanName,
  type Telemetry,
  type TraceIds,
} from '../ports/telemetry.ts'
import { loadApi, SCOPE, SCOPE_VERSION } from './bridge.ts'

/** Traces and metrics through `@opentelemetry/api`; nothing where the application does not have it. */
export async function createTelemetry(): Promise<Telemetry> {
  const api = await loadApi()
  return api === undefined ? NO_TELEMETRY : new OtelTelemetry(api)
}

/** Unit of each counter: what it counts. */
const UNITS: Readonly<Record<CounterName, string>> = {
  'portcullis.policy.decisions': '{decision}',
  'portcullis.cache.lookups': '{lookup}',
  'portcullis.audit.entries': '{entry}',
  'portcullis.audit.gaps': '{entry}',
  'portcullis.session.logins': '{login}',
  'portcullis.session.renewals': '{renewal}',
  'portcullis.session.tokens_ended': '{token}',
  'portcullis.lease.renewals': '{renewal}',
  'portcullis.lease.rotations': '{rotation}',
  'portcullis.lease.ended': '{lease}',
  'portcullis.lease.look_ups': '{look_up}',
  'portcullis.lease.look_ups_skipped': '{look_up}',
  'portcullis.lease.over_budget': '{lease}',
  'portcullis.leaks': '{leak}',
  'portcullis.watch.looks': '{look}',
}

/** Seconds; from a cache hit to a server that hangs. */
const DURATION_BUCKETS = [0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

/** The SDKs read this key by name, so that the API alone is enough to set it. */
const SUPPRESS_TRACING = 'OpenTelemetry SDK Context Key SUPPRESS_TRACING'

/** Whatever the application's SDK throws stays here: a trace or a metric that fails never fails a request. */
class OtelTelemetry implements Telemetry {
  readonly #api: typeof Api
  readonly #suppress: symbol
  // Made anew with each provider: in the 1.x API an instrument made before a provider is registered, or replaced, counts into nothing.
  #tracerProvider: unknown
  #tracer: Api.Tracer | undefined
  #meterProvider: unknown
  readonly #counters = new Map<CounterName, Counter>()
  #duration: Histogram | undefined

  constructor(api: typeof Api) {
    this.#api = api
    this.#suppress = api.createContextKey(SUPPRESS_TRACING)
  }

  span(name: SpanName, attributes: Attributes, isRoot = false): Span {
    const { ERROR } = this.#api.SpanStatusCode
    const span = quietly(() => this.#currentTracer().startSpan(name, { attributes, root: isRoot }))
    if (span === undefined) return NO_TELEMETRY.span(name, attributes)
    return {
      set: (key, value): void => {
        quietly(() => span.setAttribute(key, value))
      },
      end(errorCode): void {
        quietly(() => {
          if (errorCode === undefined) return
          span.setAttribute('error.type', errorCode)
          span.setStatus({ code: ERROR })
        })
        quietly(() => span.end())
      },
    }
  }

  count(name: CounterName, attributes: Attributes, value = 1): void {
    quietly(() => this.#counter(name).add(value, attributes))
  }

  duration(seconds: number, attributes: Attributes): void {
    quietly(() => this.#histogram().record(seconds, attributes))
  }

  active(): TraceIds | undefined {
    const { trace, isSpanContextValid } = this.#api
    const context = quietly(() => trace.getActiveSpan()?.spanContext())
    return context === undefined || !isSpanContextValid(context) ? undefined : context
  }

  suppressed<T>(run: () => T): T {
    const { context } = this.#api
    let hasRun = false
    const once = (): T => {
      hasRun = true
      return run()
    }
    try {
      return context.with(context.active().setValue(this.#suppress, true), once)
    } catch (error) {
      // What `run` throws is the caller's; what a context manager throws before is not.
      if (hasRun) throw error
      return run()
    }
  }

  #currentTracer(): Api.Tracer {
    const provider = this.#api.trace.getTracerProvider()
    if (provider !== this.#tracerProvider) this.#tracer = undefined
    this.#tracerProvider = provider
    this.#tracer ??= provider.getTracer(SCOPE, SCOPE_VERSION)
    return this.#tracer
  }

  #counter(name: CounterName): Counter {
    const provider = this.#currentMeterProvider()
    let counter = this.#counters.get(name)
    if (counter === undefined) {
      counter = provider.getMeter(SCOPE, SCOPE_VERSION).createCounter(name, { unit: UNITS[name] })
      this.#counters.set(name, counter)
    }
    return counter
  }

  #histogram(): Histogram {
    const provider = this.#currentMeterProvider()
    this.#duration ??= provider.getMeter(SCOPE, SCOPE_VERSION).createHistogram('portcullis.request.duration', {
      unit: 's',
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    })
    return this.#duration
  }

  #currentMeterProvider(): Api.MeterProvider {
    const provider = this.#api.metrics.getMeterProvider()
    if (provider !== this.#meterProvider) {
      this.#meterProvider = provider
      this.#counters.clear()
      this.#duration = undefined
    }
    return provider
  }
}

function quietly<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

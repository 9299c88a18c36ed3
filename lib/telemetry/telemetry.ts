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

/**
 * Traces and metrics through `@opentelemetry/api`; nothing where the application does not have it.
 *
 * What an SDK throws ends here: telemetry that fails never fails a request.
 */
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
  'portcullis.lease.ended': '{lease}',
}

/** Seconds; from a cache hit to a server that hangs. */
const DURATION_BUCKETS = [0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

/** The SDKs read this key by name, so that the API alone is enough to set it. */
const SUPPRESS_TRACING = 'OpenTelemetry SDK Context Key SUPPRESS_TRACING'

class OtelTelemetry implements Telemetry {
  readonly #api: typeof Api
  readonly #suppress: symbol
  readonly #tracer: Api.Tracer
  #provider: Api.MeterProvider | undefined
  #counters = new Map<CounterName, Counter>()
  #duration: Histogram | undefined

  constructor(api: typeof Api) {
    this.#api = api
    this.#suppress = api.createContextKey(SUPPRESS_TRACING)
    this.#tracer = api.trace.getTracer(SCOPE, SCOPE_VERSION)
  }

  span(name: SpanName, attributes: Attributes): Span {
    try {
      return new OtelSpan(this.#tracer.startSpan(name, { attributes }), this.#api.SpanStatusCode.ERROR)
    } catch {
      return NO_TELEMETRY.span(name, attributes)
    }
  }

  count(name: CounterName, attributes: Attributes, value = 1): void {
    quietly(() => {
      this.#followProvider()
      let counter = this.#counters.get(name)
      if (counter === undefined) {
        counter = this.#meter().createCounter(name, { unit: UNITS[name] })
        this.#counters.set(name, counter)
      }
      counter.add(value, attributes)
    })
  }

  duration(seconds: number, attributes: Attributes): void {
    quietly(() => {
      this.#followProvider()
      this.#duration ??= this.#meter().createHistogram('portcullis.request.duration', {
        unit: 's',
        advice: { explicitBucketBoundaries: DURATION_BUCKETS },
      })
      this.#duration.record(seconds, attributes)
    })
  }

  active(): TraceIds | undefined {
    try {
      const { trace, isSpanContextValid } = this.#api
      const context = trace.getActiveSpan()?.spanContext()
      return context === undefined || !isSpanContextValid(context) ? undefined : context
    } catch {
      return undefined
    }
  }

  suppressed<T>(run: () => T): T {
    const { context } = this.#api
    return context.with(context.active().setValue(this.#suppress, true), run)
  }

  /** Instruments are made once a provider: unlike tracers, those made before it is registered stay without effect. */
  #followProvider(): void {
    const provider = this.#api.metrics.getMeterProvider()
    if (provider === this.#provider) return
    this.#provider = provider
    this.#counters = new Map()
    this.#duration = undefined
  }

  #meter(): Api.Meter {
    return this.#api.metrics.getMeter(SCOPE, SCOPE_VERSION)
  }
}

class OtelSpan implements Span {
  readonly #span: Api.Span
  readonly #failed: Api.SpanStatusCode

  constructor(span: Api.Span, failed: Api.SpanStatusCode) {
    this.#span = span
    this.#failed = failed
  }

  set(name: string, value: string | number | boolean): void {
    quietly(() => this.#span.setAttribute(name, value))
  }

  end(errorCode?: string): void {
    quietly(() => {
      if (errorCode !== undefined) {
        this.#span.setAttribute('error.type', errorCode)
        this.#span.setStatus({ code: this.#failed })
      }
      this.#span.end()
    })
  }
}

function quietly(run: () => void): void {
  try {
    run()
  } catch {
    // An SDK's failure is for the SDK to tell.
  }
}

/** Values of span and metric attributes. */
export type Attributes = Readonly<Record<string, string | number | boolean>>

/** A span under way. */
export interface Span {
  set(name: string, value: string | number | boolean): void
  /** Ends it; `errorCode` marks it failed. No message: it could carry a path. */
  end(errorCode?: string): void
}

/** Names of the spans; few and fixed. */
export type SpanName =
  | 'portcullis.request'
  | 'portcullis.session.login'
  | 'portcullis.session.renew'
  | 'portcullis.lease.renew'
  | 'portcullis.lease.rotate'
  | 'portcullis.lease.revoke'

/** Names of the counters. */
export type CounterName =
  | 'portcullis.policy.decisions'
  | 'portcullis.cache.lookups'
  | 'portcullis.audit.entries'
  | 'portcullis.audit.gaps'
  | 'portcullis.session.logins'
  | 'portcullis.session.renewals'
  | 'portcullis.session.tokens_ended'
  | 'portcullis.lease.renewals'
  | 'portcullis.lease.rotations'
  | 'portcullis.lease.ended'
  | 'portcullis.lease.look_ups'
  | 'portcullis.lease.look_ups_skipped'
  | 'portcullis.lease.over_budget'
  | 'portcullis.leaks'
  | 'portcullis.watch.looks'

/** Ids that tie an audit entry to a trace. */
export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

/** Driver of traces and metrics. Never throws, never rejects. */
export interface Telemetry {
  /** A child of the caller's active span; with `isRoot` of none, since a timer runs in the context of whoever set it. */
  span(name: SpanName, attributes: Attributes, isRoot?: boolean): Span
  count(name: CounterName, attributes: Attributes, value?: number): void
  /** Seconds into `portcullis.request.duration`. */
  duration(seconds: number, attributes: Attributes): void
  /** Ids of the caller's active span. */
  active(): TraceIds | undefined
  /** Runs `run` so that no instrumentation below makes spans of its own, which would carry token and path. */
  suppressed<T>(run: () => T): T
}

const NO_SPAN: Span = Object.freeze({ set() {}, end() {} })

/** Records nothing. */
export const NO_TELEMETRY: Telemetry = Object.freeze({
  span: () => NO_SPAN,
  count() {},
  duration() {},
  active: () => undefined,
  suppressed: <T>(run: () => T): T => run(),
})

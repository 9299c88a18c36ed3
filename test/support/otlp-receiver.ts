import type { TestContext } from 'node:test'
import { launchOtlpReceiver, type OtlpReceiver } from '../../examples/support/otlp-receiver.ts'

export type {
  Behaviour,
  LogRecord,
  MetricPoint,
  OtlpReceiver,
  Received,
  Signal,
  SpanRecord,
} from '../../examples/support/otlp-receiver.ts'

/** An OTLP receiver for the time of `t`; on `port`, where another was before. */
export async function startOtlpReceiver(t: TestContext, port = 0): Promise<OtlpReceiver> {
  const receiver = await launchOtlpReceiver(port)
  t.after(() => receiver.stop())
  return receiver
}

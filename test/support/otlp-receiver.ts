import type { TestContext } from 'node:test'
import { launchOtlpReceiver, type OtlpReceiver } from '../../examples/support/otlp-receiver.ts'

export type {
  LogRecord,
  MetricPoint,
  OtlpReceiver,
  Received,
  Signal,
  SpanRecord,
} from '../../examples/support/otlp-receiver.ts'

/** An OTLP receiver for the time of `t`. */
export async function startOtlpReceiver(t: TestContext): Promise<OtlpReceiver> {
  const receiver = await launchOtlpReceiver()
  t.after(() => receiver.stop())
  return receiver
}

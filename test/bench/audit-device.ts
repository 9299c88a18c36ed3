import { createAudit } from '../../lib/audit/audit.ts'
import { createHasher } from '../../lib/audit/hasher.ts'
import { callback, file, otel } from '../../lib/index.ts'
import { createEntries } from '../../lib/pipeline/entries.ts'
import type { AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { NO_DIAGNOSTICS } from '../../lib/ports/diagnostics.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { emptied } from './append.ts'
import { startOtelLogs } from './otel-logger.ts'

/** A device whose cost is measured, and what has to be done around it. */
export interface MeasuredDevice {
  readonly listed: AuditDeviceOptions
  /** Before each round. */
  reset?(): Promise<void>
  close?(): Promise<void>
}

/** By name; one more is one more row. */
export const DEVICES: Readonly<Record<string, (folder: string) => MeasuredDevice>> = {
  none: () => ({ listed: callback('none', () => {}, { required: false, queueSize: 1_000_000 }) }),
  file(folder): MeasuredDevice {
    const path = `${folder}/audit.jsonl`
    return { listed: file(path), reset: () => emptied(path) }
  },
  otel(): MeasuredDevice {
    const logs = startOtelLogs()
    return { listed: otel({ queueSize: 1_000_000 }), close: () => logs.close() }
  },
}

/** What is measured: the entry of a write of `texts` fields, built, hashed and accepted. */
export interface Recording {
  record(): Promise<void>
  close(): Promise<void>
}

export async function recordingTo(listed: AuditDeviceOptions, texts: number): Promise<Recording> {
  const hasher = createHasher(new Uint8Array(32).fill(7))
  const deps = { hasher, clock: systemClock, instance: 'bench', telemetry: NO_TELEMETRY, diagnostics: NO_DIAGNOSTICS }
  const audit = await createAudit({ ...deps, devices: [listed] })
  const entries = createEntries(audit)
  const subject = subjectOf(texts)
  return {
    record: async () => entries.request(subject),
    close: () => audit.close(),
  }
}

type Subject = Parameters<ReturnType<typeof createEntries>['request']>[0]

function subjectOf(texts: number): Subject {
  const fields = Array.from({ length: texts }, (_, at) => [`field-${at}`, `the value of field ${at}`])
  const data = Object.fromEntries(fields)
  return {
    id: 'bench-1',
    caller: { attributes: { service: 'orders', component: 'checkout' }, parent: undefined, id: 'orders' },
    decision: { effect: 'allow', reason: 'rule', policy: 'orders', rule: 'config', message: 'allowed' },
    request: {
      operation: 'write',
      namespace: '',
      path: 'kv/data/orders/config',
      query: {},
      data,
      body: JSON.stringify(data),
      wrapTtlMs: 0,
    },
    auth: undefined,
    trace: undefined,
  }
}

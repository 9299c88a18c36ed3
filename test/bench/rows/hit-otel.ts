import type { LogRecord } from '@opentelemetry/api'
import { otel } from '../../../lib/index.ts'
import { driven } from '../drive.ts'
import { startFixedServer } from '../fixed-server.ts'
import { createFloor, type FloorEntry } from '../floor.ts'
import { governed } from '../governed.ts'
import { startOtelLogs } from '../otel-logger.ts'
import type { Contestant, Row, Settings } from '../row.ts'

const IN_FLIGHT = 32

/** Governed reads of a leased secret that is kept, recorded through OpenTelemetry. */
export const rows: readonly Row[] = [
  {
    name: 'hit-otel',
    title: `governed read of a kept secret, one audit entry to an OpenTelemetry batch, ${IN_FLIGHT} in flight; time a call`,
    peerName: 'its floor: lru-cache get, ajv validate, the same log record emitted, by hand; HMACs taken as given',
    unit: 'µs',
    goal: { relation: '<=', ratio: 1.5 },
    prepare: async (scope) => ({ address: await startFixedServer(scope) }),
    ours,
    peer,
  },
]

async function ours({ address }: Settings): Promise<Contestant> {
  const logs = startOtelLogs()
  const gateway = await governed(String(address), otel({ queueSize: 1_000_000 }))
  let calls = 0
  return driven({
    call: () => {
      calls += 1
      return gateway.read('database/creds/orders')
    },
    inFlight: IN_FLIGHT,
    measure: 'µs',
    async close(): Promise<void> {
      await gateway.close()
      await logs.close()
      if (logs.exported() < calls) throw new Error(`${logs.exported()} of ${calls} entries were exported`)
    },
  })
}

async function peer(): Promise<Contestant> {
  const logs = startOtelLogs()
  return driven({
    call: createFloor((entry) => logs.logger.emit(recordOf(entry))),
    inFlight: IN_FLIGHT,
    measure: 'µs',
    close: () => logs.close(),
  })
}

/** The record that the device makes of an entry, nested parts as JSON text. */
function recordOf({
  time,
  type,
  instance,
  sequence,
  caller,
  decision,
  auth,
  request,
  response,
}: FloorEntry): LogRecord {
  return {
    eventName: `portcullis.audit.${type}`,
    timestamp: new Date(time),
    severityNumber: 9,
    severityText: 'INFO',
    attributes: {
      'portcullis.audit.instance': instance,
      'portcullis.audit.sequence': sequence,
      'portcullis.caller': JSON.stringify(caller),
      'portcullis.decision.effect': decision.effect,
      'portcullis.decision.reason': decision.reason,
      'portcullis.decision.policy': decision.policy,
      'portcullis.decision.rule': decision.rule,
      'portcullis.auth': JSON.stringify(auth),
      'portcullis.request.id': request.id,
      'portcullis.request.operation': request.operation,
      'portcullis.request.namespace': request.namespace.path,
      'portcullis.request.path': request.path,
      'portcullis.response.source': response.source,
      'http.response.status_code': response.status,
      'portcullis.response.request_id': response.request_id,
      'portcullis.response.lease_id': response.secret.lease_id,
      'portcullis.response.data': JSON.stringify(response.data),
    },
  }
}

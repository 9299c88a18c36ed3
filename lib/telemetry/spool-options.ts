import { resolve } from 'node:path'
import { booleanOption, checkNames, numberOption, stringOption, typed } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, DEVICE_TIMEOUT_MS, type DeviceOptions } from '../options/device.ts'
import type { LogExporter } from './log-exporter.ts'
import type { RecordResource } from './spooled-record.ts'

/** What is asked of {@link spool}. */
export interface SpoolOptions extends DeviceOptions {
  /** Ships the records: an OpenTelemetry `LogRecordExporter`. It stays yours: it is not shut down. */
  readonly exporter: LogExporter
  /** Stands in the records. Default: `service.name` of `OTEL_SERVICE_NAME`. */
  readonly resource?: RecordResource
  /** Unique among the devices; stands in errors and metrics. Default `spool:` and the folder. */
  readonly name?: string
  /** Bytes of entries that may wait for the exporter; 1 MiB or more. Default 1 GiB. */
  readonly maxBytes?: number
  /** Is an entry accepted only once the disk has it (`fdatasync`)? It then survives a power cut. Default false. */
  readonly sync?: boolean
  /** Records exported in one go, 1 to 10,000. Default 512. */
  readonly batchSize?: number
  /** How long entries gather before they are exported. Milliseconds, 0 to 60,000. Default 1000. */
  readonly delayMs?: number
  /** First wait after an export that failed; it doubles up to 60 times that. Milliseconds, 1 to 60,000. Default 1000. */
  readonly retryMs?: number
  /** How long an export may last before it counts as failed. Milliseconds, 1 to 600,000. Default 30,000. */
  readonly exportTimeoutMs?: number
}

/** {@link SpoolOptions}, checked and complete. */
export interface SpoolConfig extends Required<Omit<SpoolOptions, 'required' | 'queueSize'>> {
  /** Absolute. */
  readonly folder: string
  /** Size of a segment after which another begins. */
  readonly segmentBytes: number
}

const OPTION_NAMES = [
  'exporter',
  'resource',
  'name',
  'maxBytes',
  'sync',
  'batchSize',
  'delayMs',
  'retryMs',
  'exportTimeoutMs',
] as const

const MIB = 1024 * 1024
const MAX_SEGMENT_BYTES = 8 * MIB
/** Segments of a spool that is full, at least: what is shipped is removed by segments. */
const SEGMENTS = 8

/** @throws {TypeError|RangeError} naming the option. */
export function spoolConfig(folder: string, options: SpoolOptions): SpoolConfig {
  checkNames('spool()', options, [...DEVICE_OPTION_NAMES, ...OPTION_NAMES])
  if (folder === undefined) throw new TypeError(`spool() takes a folder, got ${typed(folder)}`)
  const path = resolve(stringOption('folder', folder, ''))
  const whole = (name: keyof SpoolOptions, fallback: number, min: number, max: number): number =>
    numberOption(name, options[name], fallback, { min, max, integer: true })
  const maxBytes = whole('maxBytes', 1024 * MIB, MIB, Number.MAX_SAFE_INTEGER)
  return Object.freeze({
    folder: path,
    exporter: checkedExporter(options.exporter),
    resource: checkedResource(options.resource),
    name: stringOption('name', options.name, `spool:${folder}`),
    maxBytes,
    segmentBytes: Math.min(MAX_SEGMENT_BYTES, Math.floor(maxBytes / SEGMENTS)),
    sync: booleanOption('sync', options.sync, false),
    batchSize: whole('batchSize', 512, 1, 10_000),
    delayMs: whole('delayMs', 1_000, 0, 60_000),
    retryMs: whole('retryMs', 1_000, 1, 60_000),
    exportTimeoutMs: whole('exportTimeoutMs', 30_000, 1, 600_000),
    timeoutMs: options.timeoutMs ?? DEVICE_TIMEOUT_MS,
  })
}

function checkedExporter(exporter: LogExporter): LogExporter {
  if (typeof exporter?.export === 'function') return exporter
  throw new TypeError('exporter must be an OpenTelemetry log record exporter, with a function export')
}

function checkedResource(resource: RecordResource | undefined): RecordResource {
  if (resource === undefined)
    return { attributes: { 'service.name': process.env.OTEL_SERVICE_NAME ?? 'unknown_service:node' } }
  if (typeof resource?.attributes === 'object' && resource.attributes !== null) return resource
  throw new TypeError('resource must be an OpenTelemetry resource, with attributes')
}

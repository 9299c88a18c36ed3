import { Shipper } from '../audit/spool/shipper.ts'
import { AuditError } from '../errors/index.ts'
import type { Shipping } from '../model/gateway.ts'
import { deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord, DeviceSurroundings } from '../ports/audit-device.ts'
import { type Diagnostics, NO_DIAGNOSTICS } from '../ports/diagnostics.ts'
import { systemClock } from '../system/clock.ts'
import { systemRandom } from '../system/random.ts'
import { type Findings, SegmentSource } from '../system/spool/source.ts'
import { NoRoomError, SpoolStore } from '../system/spool/store.ts'
import { exported } from './log-exporter.ts'
import { type SpoolConfig, type SpoolOptions, spoolConfig } from './spool-options.ts'
import { type SpooledRecord, spooledRecord } from './spooled-record.ts'
import { createTelemetry } from './telemetry.ts'

/**
 * An audit device that puts entries into a folder, and ships them from there to OpenTelemetry.
 *
 * It may be required, which `otel()` may not: an entry is accepted when the operating system has taken it, so that a process that is
 * killed loses none, and it stays until the exporter has told that the receiver took it. Entries are shipped in order and
 * at least once; one that arrives twice has the same `portcullis.audit.instance` and `portcullis.audit.sequence`. A receiver
 * that is away is tried again for as long as it takes; when `maxBytes` wait, or the disk is full, entries are refused.
 *
 * A power cut takes what was accepted in the last seconds (about 30, by the kernel's habits), unless `sync` is set.
 *
 * The folder belongs to one process at a time. It is made with mode 0700, its files with 0600; one that others may use is
 * refused. Lines are linked to a chain (`portcullis/audit` checks it); one that was changed or cannot be read is said, and put
 * into `set-aside.txt` instead of being shipped.
 *
 * Exporters of OpenTelemetry tell success where the receiver rejected a part of the records (`partialSuccess`): that cannot be seen
 * here. An exporter that hands it on in its result is believed, and the batch is tried again.
 *
 * @param options - `required` defaults to true.
 * @throws {TypeError|RangeError} naming the option.
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE`, at the start of the gateway: the folder cannot be used, or another process has it.
 * @example
 * spool('/var/lib/orders/audit', { exporter: new OTLPLogExporter() })
 */
export function spool(folder: string, options: SpoolOptions): AuditDeviceOptions {
  return deviceOptions(new SpoolDevice(spoolConfig(folder, options)), options, true)
}

/** Part of the time limit in which a device that is closed still ships. */
const CLOSING_PART = 0.5

/** What is open of a spool. */
interface Opened {
  readonly store: SpoolStore
  readonly shipper: Shipper<SpooledRecord>
}

class SpoolDevice implements AuditDevice {
  readonly name: string
  readonly #config: SpoolConfig
  #opened: Opened | undefined

  constructor(config: SpoolConfig) {
    this.name = config.name
    this.#config = config
  }

  async open({ diagnostics }: DeviceSurroundings = { diagnostics: NO_DIAGNOSTICS }): Promise<void> {
    const { batchSize, delayMs, exporter, exportTimeoutMs, folder, resource, retryMs } = this.#config
    const told = tell(this.name, diagnostics)
    // An export that was traced would be an export for each export.
    const telemetry = await createTelemetry()
    const store = await SpoolStore.open(folder, this.#config)
    const shipper = new Shipper({
      source: new SegmentSource(store, (line) => spooledRecord(line, resource), told),
      send: (records) => telemetry.suppressed(() => exported(exporter, records)),
      clock: systemClock,
      random: systemRandom,
      delayMs,
      retryMs,
      sendTimeoutMs: exportTimeoutMs,
      batchSize,
      onFailure: told.onFailure,
    })
    this.#opened = { store, shipper }
  }

  async write(records: readonly AuditRecord[]): Promise<void> {
    if (this.#opened === undefined) throw new Error('the spool is closed')
    const { store, shipper } = this.#opened
    try {
      await store.append(records.map((record) => record.line()))
    } catch (cause) {
      if (!(cause instanceof NoRoomError)) throw cause
      // What is shipped may go now, which makes room.
      shipper.hurry()
      const message = `its spool is full: ${cause.message}`
      throw new AuditError('ERR_PORTCULLIS_AUDIT_FULL', message, { device: this.name, phase: 'request', cause })
    }
    if (store.waiting >= this.#config.batchSize) shipper.hurry()
    else shipper.wake()
  }

  shipping(): Shipping | undefined {
    if (this.#opened === undefined) return undefined
    const { store, shipper } = this.#opened
    return { waiting: store.waiting, bytes: store.bytes, ...shipper.counts() }
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.shipper.close(this.#config.timeoutMs * CLOSING_PART)
    await opened?.store.close()
  }
}

/** Says what is found, without a word of it: lines hold what an audit holds. */
function tell(device: string, diagnostics: Diagnostics): Findings & { readonly onFailure: (cause: unknown) => void } {
  let isCursorTold = false
  return {
    onFailure: (cause) =>
      diagnostics.warn('audit entries cannot be shipped; they wait in the spool', { device, why: why(cause) }),
    onSetAside: (lines, kept) =>
      diagnostics.warn('lines of the spool cannot be shipped', {
        device,
        lines: lines.length,
        why: lines[0]?.why ?? '',
        kept: kept ? 'set-aside.txt' : 'nowhere',
      }),
    onMissing: (lines) => diagnostics.warn('lines are missing from the spool', { device, lines }),
    onCursor(cause): void {
      if (isCursorTold) return
      isCursorTold = true
      const message = 'the cursor of the spool cannot be written; entries will be shipped twice after a restart'
      diagnostics.warn(message, { device, why: why(cause) })
    },
  }
}

function why(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'it failed'
}

import type { SpooledRecord } from './spooled-record.ts'

/** What an exporter tells of an export. */
export interface ExportReceipt {
  /** 0: the receiver has taken the records. */
  readonly code: number
  readonly error?: Error
  /** Of a receiver that took some of the records only, where the exporter tells it; counts as a failure. */
  readonly partialSuccess?: { readonly rejectedLogRecords?: number | string }
}

/**
 * What we need of an OpenTelemetry `LogRecordExporter`, of either line.
 *
 * Without the types of the SDK, which is the application's.
 */
export interface LogExporter {
  export(records: SpooledRecord[], done: (receipt: ExportReceipt) => void): void
}

/** Resolves when the receiver has taken all of `records`. @throws {Error} it has not; the exporter's own error in `cause`. */
export function exported(exporter: LogExporter, records: readonly SpooledRecord[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => reject(new Error(`the exporter failed${shown(cause)}`, { cause }))
    const done = ({ code, error, partialSuccess }: ExportReceipt): void => {
      const rejected = Number(partialSuccess?.rejectedLogRecords ?? 0)
      if (code !== 0) failed(error)
      else if (rejected > 0) reject(new Error(`the receiver rejected ${rejected} of ${records.length} records`))
      else resolve()
    }
    try {
      // Of an exporter that is an async function, the promise.
      const returned: unknown = exporter.export([...records], done)
      Promise.resolve(returned).catch(failed)
    } catch (cause) {
      failed(cause)
    }
  })
}

/** A status or a code of the system; never the words of an error, which may quote a body or a header. */
function shown(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const isPlain = typeof code === 'number' || (typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code))
  return isPlain ? ` (${code})` : ''
}

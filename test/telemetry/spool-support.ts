import type { ExportReceipt, LogExporter } from '../../lib/telemetry/log-exporter.ts'
import type { SpooledRecord } from '../../lib/telemetry/spooled-record.ts'

/** Sequence numbers of records, in order of arrival. */
export function sequencesOf(records: readonly { readonly attributes: object }[]): readonly number[] {
  return records.map(({ attributes }) => Number(Reflect.get(attributes, 'portcullis.audit.sequence')))
}

/** Answers as it is told to: the first answers first, then 0. */
export class RecordingExporter implements LogExporter {
  readonly answers: (ExportReceipt | 'hang' | 'throw' | 'reject')[]
  /** Sequence numbers of each export. */
  readonly exports: (readonly number[])[] = []
  /** Of those that were answered with 0. */
  readonly taken: SpooledRecord[] = []

  constructor(...answers: (ExportReceipt | 'hang' | 'throw' | 'reject')[]) {
    this.answers = answers
  }

  export(records: SpooledRecord[], done: (receipt: ExportReceipt) => void): Promise<void> | undefined {
    this.exports.push(sequencesOf(records))
    const answer = this.answers.shift() ?? { code: 0 }
    if (answer === 'throw') throw new Error('s3cr3t')
    if (answer === 'reject') return Promise.reject(new Error('s3cr3t'))
    if (answer === 'hang') return undefined
    if (answer.code === 0 && !(Number(answer.partialSuccess?.rejectedLogRecords) > 0)) this.taken.push(...records)
    done(answer)
    return undefined
  }
}

/** Resolves when `isReached` says yes. @throws after 10 s. */
export async function reached(isReached: () => boolean): Promise<void> {
  const untilMs = performance.now() + 10_000
  while (!isReached()) {
    if (performance.now() > untilMs) throw new Error('not reached within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

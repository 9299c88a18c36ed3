import { Buffer } from 'node:buffer'
import type { AuditRecord } from '../../ports/audit-device.ts'

/** What stands in the head of every message. */
export interface SyslogHead {
  readonly facility: number
  readonly hostname: string
  readonly appName: string
  readonly processId: string
}

const WARNING = 4
const INFORMATIONAL = 6

/**
 * A record as a message of RFC 5424: time and type of the entry in the head, the entry itself as JSON.
 *
 * What was denied or failed, and a gap, has severity warning, all else informational.
 */
export function syslogMessage({ facility, hostname, appName, processId }: SyslogHead, record: AuditRecord): Buffer {
  const { entry } = record
  const isWarning = entry.type === 'gap' || entry.decision.effect === 'deny' || entry.error !== undefined
  const priority = facility * 8 + (isWarning ? WARNING : INFORMATIONAL)
  const head = `<${priority}>1 ${entry.time} ${hostname} ${appName} ${processId} ${entry.type} -`
  return Buffer.from(`${head} ${record.line()}`)
}

/** With its length before it, as RFC 6587 frames messages in a stream. */
export function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

/** `text` as a name of the head: visible ASCII, at most `length` signs; `-` for none. */
export function headName(text: string, length: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, length) || '-'
}

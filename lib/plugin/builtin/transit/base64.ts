import { Buffer } from 'node:buffer'
import { PluginRefusal } from '../../refusal.ts'

const WHOLE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** Base64 with its padding, behind which nothing may come. */
const ENDED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)/

/** Bytes of padded base64; line breaks in it are passed over. @throws {PluginRefusal} telling where it breaks, after `prefix`. */
export function readBase64(text: string, prefix = ''): Buffer {
  const lines = text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]/g, '') : text
  if (WHOLE.test(lines)) return Buffer.from(lines, 'base64')
  const ended = ENDED.exec(lines)?.[0].length
  const stranger = lines.search(/[^A-Za-z0-9+/]/)
  const at = ended ?? (stranger === -1 ? lines.length - (lines.length % 4) : stranger)
  throw new PluginRefusal(`${prefix}illegal base64 data at input byte ${at}`)
}

import { hostname } from 'node:os'
import { checkNames, numberOption, stringOption } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, DEVICE_TIMEOUT_MS, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import { datagramConnection, type SyslogConnection, streamConnection } from './syslog/connection.ts'
import { headName, type SyslogHead, syslogMessage } from './syslog/message.ts'

/** What is asked of {@link syslog}. */
export interface SyslogOptions extends DeviceOptions {
  /** Unix stream socket of the receiver, instead of `host`. One for datagrams, as `/dev/log` often is, cannot be reached from Node. */
  readonly path?: string
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** Default 514. */
  readonly port?: number
  /** `tcp` or `udp`. Default `tcp`. */
  readonly protocol?: 'tcp' | 'udp'
  /** 0 to 23. Default 13, log audit. */
  readonly facility?: number
  /** Default `portcullis`. */
  readonly appName?: string
  /** Unique among the devices; stands in errors and metrics. Default `syslog`. */
  readonly name?: string
}

/** Port of syslog. */
export const SYSLOG_PORT = 514
/** The facility of audits. */
export const SYSLOG_FACILITY = 13
/** A receiver that takes nothing for so many time limits of the device is connected to anew. */
const STALLED_LIMITS = 3

/**
 * An audit device that sends each entry as a syslog message (RFC 5424), over TCP or a unix stream socket with the length
 * before it (RFC 6587), or over UDP.
 *
 * An entry is accepted when the operating system has taken it, since syslog gives no receipt: what is on its way when the
 * receiver dies is lost, and nobody learns of it. So it is best effort unless told otherwise, and over UDP never more. Not
 * encrypted: send to the same machine. The gateway starts without its receiver.
 *
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE` for `required: true` over UDP.
 * @throws {TypeError|RangeError} naming the option.
 * @example
 * syslog({ path: '/run/syslog.sock' })
 */
export function syslog(options: SyslogOptions = {}): AuditDeviceOptions {
  checkNames('syslog()', options, [...DEVICE_OPTION_NAMES, ...NAMES])
  const protocol = options.protocol ?? 'tcp'
  if (protocol !== 'tcp' && protocol !== 'udp') throw new TypeError(`protocol must be 'tcp' or 'udp'`)
  const path = stringOption('path', options.path, undefined)
  if (path !== undefined && (options.host ?? options.port ?? options.protocol) !== undefined)
    throw new TypeError('path goes without host, port and protocol')
  const facility = numberOption('facility', options.facility, SYSLOG_FACILITY, { min: 0, max: 23, integer: true })
  const appName = headName(stringOption('appName', options.appName, 'portcullis'), 48)
  const head = { facility, appName, hostname: headName(hostname(), 255), processId: String(process.pid) }
  const host = stringOption('host', options.host, '127.0.0.1')
  const port = numberOption('port', options.port, SYSLOG_PORT, { min: 1, max: 65_535, integer: true })
  const stallMs = (options.timeoutMs ?? DEVICE_TIMEOUT_MS) * STALLED_LIMITS
  const connection = (): SyslogConnection =>
    protocol === 'udp'
      ? datagramConnection(host, port)
      : streamConnection(path === undefined ? { host, port } : { path }, stallMs)
  const device = new SyslogDevice(stringOption('name', options.name, 'syslog'), head, connection)
  return deviceOptions(protocol === 'udp' ? unreceipted(device) : device, options, false)
}

const NAMES = ['path', 'host', 'port', 'protocol', 'facility', 'appName', 'name']

class SyslogDevice implements AuditDevice {
  readonly name: string
  readonly neverRequired?: string
  readonly #head: SyslogHead
  readonly #connect: () => SyslogConnection
  #connection: SyslogConnection | undefined

  constructor(name: string, head: SyslogHead, connect: () => SyslogConnection) {
    this.name = name
    this.#head = head
    this.#connect = connect
  }

  async open(): Promise<void> {
    this.#connection = this.#connect()
  }

  async write(records: readonly AuditRecord[]): Promise<void> {
    if (this.#connection === undefined) throw new Error('the syslog device is closed')
    await this.#connection.send(records.map((record) => syslogMessage(this.#head, record)))
  }

  async close(): Promise<void> {
    this.#connection?.close()
    this.#connection = undefined
  }
}

function unreceipted(device: SyslogDevice): AuditDevice {
  const neverRequired = 'syslog() over UDP cannot be required: nobody learns of a datagram that is lost; send over tcp'
  return Object.assign(device, { neverRequired })
}

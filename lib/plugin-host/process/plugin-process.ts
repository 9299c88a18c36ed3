import { chownSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../../ports/clock.ts'
import type { Certificate } from '../wire/certificate.ts'
import { GRPCControllerService, GRPCStdioService, PluginMultiplexingService } from '../wire/gen/services.ts'
import type { Channel } from '../wire/grpc/channel.ts'
import { createGrpcServer, type GrpcServer } from '../wire/grpc/server.ts'
import { Broker } from './broker.ts'
import { isUnimplemented } from './call.ts'
import type { FolderOwner, ProcessFolders } from './folders.ts'
import type { Handshake } from './handshake.ts'
import { answers } from './health.ts'
import type { ProcessHost } from './host.ts'
import type { PluginChild } from './launch.ts'
import type { CatalogEntry } from './plugins.ts'

/** A process that has shaken hands, and the way to it. */
export interface PluginProcessParts {
  readonly host: ProcessHost
  readonly entry: CatalogEntry
  readonly child: PluginChild
  readonly channel: Channel
  readonly handshake: Handshake
  readonly certificate: Certificate
  readonly folders: ProcessFolders
  readonly owner: FolderOwner | undefined
}

/** A socket on which a process reaches what the host serves to one of its backends. */
export interface Brokered {
  readonly id: number
  close(): Promise<void>
}

/** After it was asked to end, and after SIGTERM; milliseconds. */
const SHUTDOWN_MS = 2000
const TERMINATE_MS = 1000
/** For calls that a backend still makes while it is closed. */
const CLOSE_MS = 500
/** From a call that found nobody to the end of the connection. */
const NEWS_MS = 500

/** A running plugin process: calls, the broker, multiplexing, and its end. */
export class PluginProcess {
  readonly channel: Channel
  readonly protocolVersion: number
  readonly startedAtMs: number
  /** Resolves once it can be called no more and is gone; never rejects. */
  readonly ended: Promise<void>
  /** Why the host killed it; `undefined` where it did not. */
  excess: string | undefined
  readonly #parts: PluginProcessParts
  readonly #broker: Broker | undefined
  readonly #servers = new Set<GrpcServer>()
  #multiplexes = false
  #isLost = false
  #tellLost = (): void => {}
  readonly #lost = new Promise<void>((resolve) => {
    this.#tellLost = resolve
  })
  #stopping: Promise<void> | undefined
  #isAsked = false

  /** @throws {GrpcStatusError} it does not answer as a plugin does. */
  static async open(parts: PluginProcessParts): Promise<PluginProcess> {
    const opened = new PluginProcess(parts)
    opened.#multiplexes = await opened.#askMultiplexing()
    return opened
  }

  private constructor(parts: PluginProcessParts) {
    const { channel, child, entry, handshake, host } = parts
    this.#parts = parts
    this.channel = channel
    this.protocolVersion = handshake.protocolVersion
    this.startedAtMs = host.config.clock.now()
    this.#broker = entry.type === 'database' ? undefined : new Broker(channel)
    const unwatch = host.watch.add({
      child,
      memoryBytes: host.config.maxMemoryBytes,
      onExcess: (what) => this.#excess(what),
    })
    // A process that cannot be reached is of no use, and one that has ended may have left its connection to another.
    void channel.closed.then(() => this.#lose())
    void this.#broker?.ended.then(() => this.#lose())
    this.ended = child.ended.then(async () => {
      unwatch()
      this.#lose()
      await Promise.all([...this.#servers].map((server) => server.close(0)))
    })
    void drain(channel)
  }

  /** Whether it is lost, after a call found nobody: the news of an end can come a moment later. */
  async isLost(): Promise<boolean> {
    if (this.isAlive) await within(this.#lost, NEWS_MS, this.#parts.host.config.clock)
    return !this.isAlive
  }

  /**
   * After a call that was not answered in time. One that hangs is a matter of its backend; a process that does not
   * answer at all, such as one in an endless loop or stopped by a signal, would never come back: it is killed, and the
   * next call starts another.
   */
  async suspect(): Promise<void> {
    if (this.#isAsked || !this.isAlive) return
    this.#isAsked = true
    const isWell = await answers(this.channel)
    this.#isAsked = false
    if (isWell || !this.isAlive) return
    this.#excess('it does not answer any more')
    this.kill()
  }

  get multiplexes(): boolean {
    return this.#multiplexes
  }

  /** Can it be called? Turns false at once when it has ended. */
  get isAlive(): boolean {
    return !this.#isLost && this.#stopping === undefined
  }

  get entry(): CatalogEntry {
    return this.#parts.entry
  }

  /**
   * Opens a socket of the host for one backend: only this very process has the certificate that opens it.
   *
   * @param serve - Adds what is served. @throws {Error} the socket cannot be had, or the process is gone.
   */
  async offer(serve: (server: GrpcServer) => void): Promise<Brokered> {
    const { host, folders, owner, handshake, certificate } = this.#parts
    const broker = this.#broker
    if (broker === undefined) throw new TypeError('database plugins are served nothing')
    const { maxMessageBytes } = host.config
    const server = createGrpcServer({
      tls: { ca: handshake.certificate, cert: certificate.certPem, key: certificate.keyPem },
      limits: { maxReceiveBytes: maxMessageBytes, maxSendBytes: maxMessageBytes },
    })
    serve(server)
    const id = broker.next()
    const path = join(folders.base, `b${id}`)
    this.#servers.add(server)
    const close = async (): Promise<void> => {
      this.#servers.delete(server)
      await server.close(CLOSE_MS)
    }
    try {
      await server.listen({ path })
      // The folder is none that the plugin can write to, so this is the socket that was made.
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
      await broker.announce(id, path)
    } catch (error) {
      await close()
      throw error
    }
    return { id, close }
  }

  /** Asks it to end, tells it to, kills it. Resolves when it is gone. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  kill(): void {
    this.#parts.child.kill()
  }

  #excess(what: string): void {
    this.excess = what
    const { host, entry } = this.#parts
    host.config.diagnostics.warn('a plugin process is killed', { plugin: entry.name, reason: what })
  }

  async #stop(): Promise<void> {
    const { child } = this.#parts
    if (!child.hasEnded) {
      child.family()
      this.#broker?.close()
      // It answers with a dropped connection, if at all.
      this.channel.unary(GRPCControllerService.shutdown, {}, { timeoutMs: SHUTDOWN_MS }).catch(() => {})
      if (!(await this.#endsWithin(SHUTDOWN_MS))) child.terminate()
      if (!(await this.#endsWithin(TERMINATE_MS))) child.kill()
    }
    await this.channel.close()
    await this.ended
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const { child, host } = this.#parts
    return child.hasEnded || (await within(child.ended, ms, host.config.clock))
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#tellLost()
    void this.channel.close()
    if (this.#stopping === undefined) this.#parts.child.kill()
  }

  async #askMultiplexing(): Promise<boolean> {
    const timeoutMs = this.#parts.host.config.startTimeoutMs
    try {
      const { supported } = await this.channel.unary(PluginMultiplexingService.multiplexingSupport, {}, { timeoutMs })
      return supported
    } catch (error) {
      if (isUnimplemented(error)) return false
      throw error
    }
  }
}

/** Has `work` ended after `ms`? */
async function within(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  let timer: Timer | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = clock.after(ms, () => resolve(false))
  })
  const inTime = await Promise.race([work.then(() => true), late])
  timer?.cancel()
  return inTime
}

/** What Go plugins print goes here; left unread, it would stop them. */
async function drain(channel: Channel): Promise<void> {
  try {
    for await (const _ of channel.serverStream(GRPCStdioService.streamStdio, {}, { drains: true }));
  } catch {
    // Not offered, or over.
  }
}

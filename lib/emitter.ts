import { EventEmitter } from 'eventemitter3'
import type { GatewayEvents } from './model/events.ts'
import type { Diagnostics } from './ports/diagnostics.ts'

/** Events of a gateway. A listener that throws is reported as a `warning`, and cannot break the request that caused the event. */
export class GatewayEmitter implements Diagnostics {
  readonly #emitter = new EventEmitter<GatewayEvents>()
  /** By event: what is done about a listener that throws depends on which event it was for. */
  readonly #wrapped = new Map<keyof GatewayEvents, WeakMap<object, Guarded>>()

  emit<E extends keyof GatewayEvents>(event: E, ...args: Parameters<GatewayEvents[E]>): void {
    ;(this.#emitter.emit as (event: E, ...args: unknown[]) => boolean).call(this.#emitter, event, ...args)
  }

  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): void {
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${event} must be a function`)
    this.#emitter.on(event, this.#guarded(event, listener) as never)
  }

  off<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): void {
    const guarded = this.#wrapped.get(event)?.get(listener)
    // Without a listener the emitter would drop all of the event.
    if (guarded !== undefined) this.#emitter.off(event, guarded as never)
  }

  warn(message: string, fields: Readonly<Record<string, string | number | boolean>> = {}): void {
    this.emit('warning', { message, fields })
  }

  removeAll(): void {
    this.#emitter.removeAllListeners()
  }

  #guarded(event: keyof GatewayEvents, listener: (...args: never[]) => unknown): Guarded {
    const wrapped = this.#wrapped.get(event) ?? new WeakMap<object, Guarded>()
    this.#wrapped.set(event, wrapped)
    const known = wrapped.get(listener)
    if (known !== undefined) return known
    const failed = (): void => {
      if (event !== 'warning') this.warn('a listener threw', { event })
    }
    const guarded = (...args: unknown[]): void => {
      try {
        const result = listener(...(args as never[]))
        if (result instanceof Promise) result.catch(failed)
      } catch {
        failed()
      }
    }
    wrapped.set(listener, guarded)
    return guarded
  }
}

type Guarded = (...args: unknown[]) => void

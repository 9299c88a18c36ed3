import { EventEmitter } from 'eventemitter3'
import type { GatewayEvents } from './model/events.ts'
import type { Diagnostics } from './ports/diagnostics.ts'

/** Events of a gateway. A listener that throws is reported as a `warning`, and cannot break the request that caused the event. */
export class GatewayEmitter implements Diagnostics {
  readonly #emitter = new EventEmitter<GatewayEvents>()
  readonly #wrapped = new WeakMap<object, (...args: unknown[]) => void>()

  emit<E extends keyof GatewayEvents>(event: E, ...args: Parameters<GatewayEvents[E]>): void {
    ;(this.#emitter.emit as (event: E, ...args: unknown[]) => boolean).call(this.#emitter, event, ...args)
  }

  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): void {
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${event} must be a function`)
    this.#emitter.on(event, this.#guarded(event, listener) as never)
  }

  off<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): void {
    this.#emitter.off(event, this.#wrapped.get(listener) as never)
  }

  warn(message: string, fields: Readonly<Record<string, string | number | boolean>> = {}): void {
    this.emit('warning', { message, fields })
  }

  removeAll(): void {
    this.#emitter.removeAllListeners()
  }

  #guarded(event: keyof GatewayEvents, listener: (...args: never[]) => unknown): (...args: unknown[]) => void {
    const known = this.#wrapped.get(listener)
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
    this.#wrapped.set(listener, guarded)
    return guarded
  }
}

import type { ConnInfo } from '../../plugin-host/wire/gen/plugin.ts'
import type { GrpcAddress } from '../../plugin-host/wire/grpc/connect.ts'

/** An announcement nobody asks for is dropped, and one that does not come is an error, after this long: as in the field. */
const WAIT_MS = 5_000
/** Announcements kept at once; a host sends one for each mount. */
const MAX_EARLY = 1_024

/** Why a mount cannot be set up, in words for its host. */
export class SetupFailure extends Error {}

/** Where the host's services are, by the ids that it announces on the broker's stream. */
export class Broker {
  readonly #early = new Map<number, GrpcAddress>()
  readonly #waiting = new Map<number, (address: GrpcAddress) => void>()

  /** Takes what the host announces; it may come before somebody asks for it, or after. */
  announce({ serviceId, network, address, knock }: ConnInfo): void {
    const where = knock === undefined ? addressOf(network, address) : undefined
    if (where === undefined) return
    const waiting = this.#waiting.get(serviceId)
    if (waiting !== undefined) waiting(where)
    else if (this.#early.size < MAX_EARLY) this.#keep(serviceId, where)
  }

  #keep(serviceId: number, where: GrpcAddress): void {
    this.#early.set(serviceId, where)
    setTimeout(() => this.#early.delete(serviceId), WAIT_MS).unref()
  }

  /** @throws {SetupFailure} it was not announced in time. */
  find(serviceId: number): Promise<GrpcAddress> {
    const early = this.#early.get(serviceId)
    this.#early.delete(serviceId)
    if (early !== undefined) return Promise.resolve(early)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(serviceId)
        reject(new SetupFailure('timeout waiting for connection info'))
      }, WAIT_MS)
      this.#waiting.set(serviceId, (address) => {
        clearTimeout(timer)
        this.#waiting.delete(serviceId)
        resolve(address)
      })
    })
  }
}

function addressOf(network: string, address: string): GrpcAddress | undefined {
  if (network === 'unix') return { path: address }
  const at = address.lastIndexOf(':')
  const port = Number(address.slice(at + 1))
  if (network !== 'tcp' || at < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port }
}

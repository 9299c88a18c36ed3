import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { JsonObject, Operation } from 'portcullis'
import { Refused } from './refused.ts'
import { parseStrict } from './strict-json.ts'

/** Bounds bodies: one by itself, and all that are held at once. */
export interface BodyLimits {
  readonly maxBytes: number
  /** Bytes of bodies that may be held at once, by all connections together. */
  readonly maxHeldBytes: number
}

/** Reads bodies, counting what all of them hold. */
export class Bodies {
  readonly #limits: BodyLimits
  #heldBytes = 0

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  /** Bytes that are held now. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * The data of a request, handed to `use`, and let go when that has ended.
   *
   * @throws {Refused} 400, 413, 415, or 503 where too much is held already.
   */
  async with<T>(
    request: IncomingMessage,
    operation: Operation,
    contentType: string | undefined,
    use: (data: JsonObject | undefined) => Promise<T>,
  ): Promise<T> {
    const held: Buffer[] = []
    let size = 0
    try {
      if (Number(request.headers['content-length'] ?? 0) > this.#limits.maxBytes) throw tooLarge()
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length
        this.#heldBytes += chunk.length
        if (size > this.#limits.maxBytes) throw tooLarge()
        if (this.#heldBytes > this.#limits.maxHeldBytes)
          throw new Refused(503, 'too many large requests are in flight; try again', 1)
        held.push(chunk)
      }
      return await use(dataOf(Buffer.concat(held, size), operation, contentType))
    } finally {
      this.#heldBytes -= size
    }
  }
}

function tooLarge(): Refused {
  return new Refused(413, 'the body is too large')
}

function dataOf(bytes: Buffer, operation: Operation, contentType: string | undefined): JsonObject | undefined {
  if (bytes.length === 0) return undefined
  const takesData = operation === 'write' || operation === 'patch'
  if (takesData) checkType(operation, contentType, bytes)
  const data = parseStrict(bytes)
  if (takesData) return data
  // Some clients send `{}` with everything.
  if (Object.keys(data).length === 0) return undefined
  throw new Refused(400, `a ${operation} takes no body`)
}

/** A form is read as one by the server, past the judgement of it as JSON. Command lines send JSON under its type; such bodies are JSON to the server too. */
function checkType(operation: Operation, contentType: string | undefined, bytes: Buffer): void {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === '' || type === 'application/json') return
  if (operation === 'patch' && type === 'application/merge-patch+json') return
  if (type === 'application/x-www-form-urlencoded' && bytes[0] === 0x7b) return
  throw new Refused(415, 'bodies must be application/json')
}

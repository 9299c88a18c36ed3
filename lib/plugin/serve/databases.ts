import type { DatabaseDriver } from '../../model/database.ts'
import { newUserFromWire, updateUserFromWire } from '../../plugin-host/wire/database.ts'
import { DatabaseService } from '../../plugin-host/wire/gen/services.ts'
import type { GrpcServer } from '../../plugin-host/wire/grpc/server.ts'
import type { ServerCall } from '../../plugin-host/wire/grpc/server-call.ts'
import { GRPC_STATUS, GrpcStatusError } from '../../plugin-host/wire/grpc/status.ts'
import { structFromWire, structToWire } from '../../plugin-host/wire/struct.ts'
import type { DatabasePlugin } from '../definition.ts'
import type { PluginLog } from '../host.ts'
import { PluginRefusal } from '../refusal.ts'
import { errorOf } from '../reply.ts'
import { MULTIPLEX_ID } from './multiplexing.ts'

/** What the connections of a process share. */
export interface DatabasesOptions {
  readonly plugin: DatabasePlugin
  readonly isMultiplexing: boolean
  readonly log: PluginLog
}

/** The connections of a process, each with a driver of its own: `dbplugin.v5.Database`. */
export class Databases {
  readonly #options: DatabasesOptions
  readonly #drivers = new Map<string, DatabaseDriver>()

  constructor(options: DatabasesOptions) {
    this.#options = options
  }

  serve(server: GrpcServer): void {
    server.add(DatabaseService, {
      initialize: ({ configData, verifyConnection }, call) =>
        this.#tell('failed to initialize', async () => {
          const config = await this.#opened(call).initialize(structFromWire(configData), verifyConnection)
          return { configData: structToWire(config) }
        }),
      newUser: (request, call) => {
        const user = newUserFromWire(request)
        if (user === undefined) throw invalid('missing username config, or unknown credential type')
        return this.#tell('unable to create new user', async () => ({
          username: await this.#known(call).newUser(user),
        }))
      },
      updateUser: (request, call) => {
        const change = updateUserFromWire(request)
        if (change === undefined) throw invalid('unknown credential type')
        if (request.username === '') throw invalid('missing username')
        if (change.password === undefined && change.publicKey === undefined && change.expiration === undefined)
          throw invalid('update user request has no changes')
        return this.#tell('unable to update user', async () => {
          await this.#known(call).updateUser(change)
          return {}
        })
      },
      deleteUser: ({ username, statements }, call) => {
        if (username === '') throw invalid('missing username')
        return this.#tell('unable to delete user', async () => {
          await this.#known(call).deleteUser(username, statements?.Commands ?? [])
          return {}
        })
      },
      type: (_, call) => this.#tell('unable to tell the type', async () => ({ Type: await this.#opened(call).type() })),
      close: (_, call) =>
        this.#tell('unable to close database plugin', async () => {
          await this.#end(this.#idOf(call))
          return {}
        }),
    })
  }

  /** Closes all drivers. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#drivers.keys()].map((id) => this.#end(id)))
  }

  #opened(call: ServerCall): DatabaseDriver {
    const id = this.#idOf(call)
    const driver = this.#drivers.get(id) ?? this.#options.plugin.open({ log: this.#options.log })
    this.#drivers.set(id, driver)
    return driver
  }

  #known(call: ServerCall): DatabaseDriver {
    const driver = this.#drivers.get(this.#idOf(call))
    if (driver === undefined) throw new GrpcStatusError(GRPC_STATUS.unknown, 'no database instance found')
    return driver
  }

  async #end(id: string): Promise<void> {
    const driver = this.#drivers.get(id)
    this.#drivers.delete(id)
    await driver?.close()
  }

  #idOf(call: ServerCall): string {
    return this.#options.isMultiplexing ? (call.metadata(MULTIPLEX_ID) ?? '') : ''
  }

  /** Only words that are meant for the host reach it: those of a database can hold the statement, password and all. */
  async #tell<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof GrpcStatusError) throw error
      const words = error instanceof PluginRefusal ? error.message : errorOf(error, this.#options.log).message
      throw new GrpcStatusError(GRPC_STATUS.internal, `${what}: ${words}`)
    }
  }
}

function invalid(text: string): GrpcStatusError {
  return new GrpcStatusError(GRPC_STATUS.invalidArgument, text)
}

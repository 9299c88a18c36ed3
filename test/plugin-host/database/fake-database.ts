import { PluginError } from '../../../lib/errors/index.ts'
import type { DatabaseDriver, NewUser, UpdateUser } from '../../../lib/model/database.ts'
import type { JsonObject } from '../../../lib/model/json.ts'

/** What goes wrong in a call: before or after it has taken effect; `hang` answers when it is released. */
export type Trouble = 'fail-before' | 'fail-after' | 'hang'

/** A database in memory: a root user, users, and drivers that log in with what they were initialised with. */
export class FakeDatabase {
  root = 'root-password'
  readonly users: Map<string, { password: string; expiresAtMs: number }> = new Map()
  /** Calls of all drivers, in order; the last item says what for. */
  readonly calls: (readonly [method: string, detail: string, statements?: readonly string[]])[] = []
  /** Asked before each call that changes something. */
  trouble: (method: string) => Trouble | undefined = () => undefined
  /** Merged into what a driver gives back as its configuration. */
  returned: JsonObject = {}
  open = 0
  #made = 0
  readonly #released = Promise.withResolvers<void>()

  /** Lets what hangs go on. */
  release(): void {
    this.#released.resolve()
  }

  driver(): DatabaseDriver {
    let config: JsonObject = {}
    let isOpen = true
    this.open += 1
    const login = (): void => {
      if (!isOpen) throw refusal('closed')
      if (config.password !== this.root) throw refusal(`access denied for root with ${String(config.password)}`)
    }
    return {
      initialize: (given, verify) =>
        this.#call('initialize', verify ? 'verified' : '', undefined, () => {
          config = given
          if (verify) login()
          return { ...given, ...this.returned }
        }),
      newUser: (user: NewUser) =>
        this.#call('newUser', user.roleName, user.statements, () => {
          login()
          this.#made += 1
          const name = `v-${user.displayName}-${user.roleName}-${this.#made}`
          this.users.set(name, { password: user.password || user.publicKey, expiresAtMs: user.expiresAtMs })
          return name
        }),
      updateUser: (update: UpdateUser) =>
        this.#call(
          'updateUser',
          update.username,
          (update.password ?? update.publicKey ?? update.expiration)?.statements,
          () => {
            login()
            this.#update(update)
          },
        ),
      deleteUser: (username, statements) =>
        this.#call('deleteUser', username, statements, () => {
          login()
          this.users.delete(username)
        }),
      type: async () => 'fake',
      close: async () => {
        if (isOpen) this.open -= 1
        isOpen = false
        this.calls.push(['close', ''])
      },
    }
  }

  #update({ username, password, publicKey, expiration }: UpdateUser): void {
    const secret = password?.value ?? publicKey?.value
    if (username === 'root') {
      if (secret !== undefined) this.root = secret
      return
    }
    const user = this.users.get(username)
    if (user === undefined) throw refusal(`no user ${username}`)
    if (secret !== undefined) user.password = secret
    if (expiration !== undefined) user.expiresAtMs = expiration.atMs
  }

  async #call<T>(method: string, detail: string, statements: readonly string[] | undefined, run: () => T): Promise<T> {
    this.calls.push(statements === undefined ? [method, detail] : [method, detail, statements])
    await Promise.resolve()
    const trouble = this.trouble(method)
    if (trouble === 'hang') await this.#released.promise
    if (trouble === 'fail-before') throw refusal(`${method} failed`)
    const result = run()
    if (trouble === 'fail-after') throw refusal(`${method} failed`)
    return result
  }
}

export function refusal(detail: string): PluginError {
  return new PluginError('ERR_PORTCULLIS_PLUGIN_DRIVER', 'the driver refused', { detail })
}

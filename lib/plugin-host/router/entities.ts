import type { BackendEntity } from '../../model/backend.ts'
import type { Context } from './context.ts'
import { hashOf, randomHex } from './names.ts'

/** Who logs in: one entity for each name on each auth mount, always the same. */
export class Entities {
  readonly #context: Context
  readonly #byId = new Map<string, BackendEntity>()
  readonly #byAlias = new Map<string, BackendEntity>()

  constructor(context: Context) {
    this.#context = context
  }

  async load(): Promise<void> {
    for (const [, entity] of await this.#context.documents.all<BackendEntity>(FOLDER)) this.#keep(entity)
  }

  byId(id: string): BackendEntity | undefined {
    return this.#byId.get(id)
  }

  /** The entity of `alias`; made with its first login. */
  async of(alias: BackendEntity['aliases'][number]): Promise<BackendEntity> {
    const key = keyOf(alias)
    const known = this.#byAlias.get(key)
    if (known !== undefined && JSON.stringify(known.aliases[0]) === JSON.stringify(alias)) return known
    const { random, documents } = this.#context
    const id = known?.id ?? random.uuid()
    const entity = { id, name: known?.name ?? `entity_${randomHex(random)}`, metadata: {}, aliases: [alias] }
    // Before it is awaited: two first logins at once are one entity.
    this.#keep(entity)
    try {
      await documents.put(FOLDER + hashOf(key), entity)
    } catch (error) {
      // Who is not stored would be somebody else after a restart.
      if (known === undefined) this.#forget(entity)
      throw error
    }
    return entity
  }

  #forget(entity: BackendEntity): void {
    this.#byId.delete(entity.id)
    for (const alias of entity.aliases) this.#byAlias.delete(keyOf(alias))
  }

  #keep(entity: BackendEntity): void {
    this.#byId.set(entity.id, entity)
    for (const alias of entity.aliases) this.#byAlias.set(keyOf(alias), entity)
  }
}

const FOLDER = 'core/entity/'

function keyOf({ mountAccessor, name }: BackendEntity['aliases'][number]): string {
  return JSON.stringify([mountAccessor, name])
}

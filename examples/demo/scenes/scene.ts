import type { Gateway } from 'portcullis'
import type { Screen } from '../screen.ts'
import type { World } from '../worlds/world.ts'

/** What a scene plays with. */
export interface Stage {
  readonly screen: Screen
  readonly gateway: Gateway
  readonly world: World
}

/** One thing shown; what it prints was measured in this run. @throws when that is not what was to be shown. */
export type Scene = (stage: Stage) => Promise<void>

/** A database user, as the engine makes it. */
export interface Credential {
  readonly username: string
  readonly password: string
}

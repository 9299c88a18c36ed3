import type { GatewayOptions, OwnAccessOptions } from 'portcullis'
import type { Operator } from '../operator.ts'
import type { Scene } from '../scenes/scene.ts'
import type { Screen } from '../screen.ts'

/** What stands behind the gateway in this run: a plugin host in this process, or a real server. */
export interface World {
  readonly place: 'host' | 'server'
  /** What runs beside PostgreSQL. */
  readonly runs: string
  /** Where the service's gateway gets its secrets, and as whom. */
  readonly access: Pick<GatewayOptions, 'server' | 'auth'> | Pick<OwnAccessOptions, 'server'>
  /** How the service logs in, in a sentence. */
  readonly logsIn: string
  readonly operator: Operator
  /** What only this world has to show. */
  readonly scenes: readonly Scene[]
  /** The same, once the service's gateway is closed. */
  afterwards(screen: Screen): Promise<void>
  close(): Promise<void>
}

import { join } from 'node:path'
import { createGateway, file, type Gateway } from 'portcullis'
import {
  createPluginHost,
  createStorage,
  lmdb,
  type PluginHost,
  type PluginSpec,
  rootKeyFile,
} from 'portcullis/plugin-host'
import type { Postgres } from '../../support/postgres.ts'
import { createOperator } from '../operator.ts'
import { packTickets } from '../plugin/pack.ts'
import { killPlugin } from '../scenes/killed-plugin.ts'
import { restart } from '../scenes/restart.ts'
import { setUp } from './set-up.ts'
import type { World } from './world.ts'

/** A plugin host with an operator at it. */
export interface OpenHost {
  readonly host: PluginHost
  readonly operator: Gateway
  close(): Promise<void>
}

/** The demo without a server: a plugin host in this process, encrypted storage in `folder`, each plugin in a process of its own. */
export async function onHost(folder: string, postgres: Postgres): Promise<World> {
  const tickets = await packTickets(join(folder, 'tickets.mjs'))
  let opened = await openHost(folder, tickets)
  const reopen = async (): Promise<OpenHost> => {
    opened = await openHost(folder, tickets)
    return opened
  }
  try {
    await setUp(opened.operator, postgres)
  } catch (error) {
    await opened.close()
    throw error
  }
  const operator = createOperator(opened.operator, postgres, 'gateway')
  return {
    place: 'host',
    runs: `plugin host with ${opened.host.operator.plugins().length} plugins`,
    access: { server: opened.host.shared() },
    logsIn: 'The host gives its gateway a token; nobody in the service ever sees it.',
    operator,
    scenes: [killPlugin],
    afterwards: (screen) => restart({ screen, operator, folder, opened, reopen }),
    close: () => opened.close(),
  }
}

async function openHost(folder: string, tickets: PluginSpec): Promise<OpenHost> {
  const host = await createPluginHost({
    storage: await createStorage({
      driver: lmdb(join(folder, 'storage')),
      rootKey: rootKeyFile(join(folder, 'root.key'), { create: true }),
    }),
    processes: { folder: join(folder, 'run') },
    plugins: [tickets],
    mounts: {
      kv: { type: 'kv', options: { version: '2' } },
      transit: { type: 'transit' },
      database: { type: 'database' },
      tickets: { type: 'tickets' },
    },
  })
  const operator = await createGateway({
    server: host.shared(),
    auth: host.operatorAuth(),
    dangerouslyAllowEverything: true,
    audit: { devices: [file(join(folder, 'operator.jsonl'))] },
  })
  return {
    host,
    operator,
    async close(): Promise<void> {
      await operator.close()
      await host.close()
    },
  }
}

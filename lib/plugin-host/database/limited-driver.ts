import { PluginError } from '../../errors/index.ts'
import type { DatabaseDriver } from '../../model/database.ts'
import type { Clock } from '../../ports/clock.ts'

/** Longest call of a driver; milliseconds. The servers give a request no more. */
const CALL_MS = 90_000
/** Longest wait for one to close. */
const CLOSE_MS = 10_000

/** `driver`, none of whose calls goes on for ever: whoever waits for it, and whoever waits for them, comes free. */
export function limitedDriver(driver: DatabaseDriver, clock: Clock, plugin: string): DatabaseDriver {
  const within = <T>(ms: number, call: Promise<T>): Promise<T> => limited(call, clock, ms, plugin)
  return {
    initialize: (config, verify) => within(CALL_MS, driver.initialize(config, verify)),
    newUser: (user) => within(CALL_MS, driver.newUser(user)),
    updateUser: (update) => within(CALL_MS, driver.updateUser(update)),
    deleteUser: (username, statements) => within(CALL_MS, driver.deleteUser(username, statements)),
    type: () => within(CALL_MS, driver.type()),
    close: () => within(CLOSE_MS, driver.close()),
  }
}

async function limited<T>(call: Promise<T>, clock: Clock, ms: number, plugin: string): Promise<T> {
  const over = Promise.withResolvers<never>()
  const timer = clock.after(ms, () => {
    const message = `the plugin ${JSON.stringify(plugin)} gave no answer within ${ms} ms`
    over.reject(new PluginError('ERR_PORTCULLIS_PLUGIN_TIMEOUT', message, { plugin, mayHaveHappened: true }))
  })
  try {
    return await Promise.race([call, over.promise])
  } finally {
    timer.cancel()
  }
}

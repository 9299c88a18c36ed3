// biome-ignore-start assist/source/organizeImports: the first has to run before the second
import { restoreDispatchers } from './process-dispatcher.ts'
import { Pool, ProxyAgent } from 'undici'
// biome-ignore-end assist/source/organizeImports: as above

restoreDispatchers()

/** undici, imported so that the `fetch` of the process keeps the dispatcher it had. */
export { Pool, ProxyAgent }

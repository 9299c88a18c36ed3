import { serve } from '../serve/serve.ts'
import { builtinPlugins } from './plugins.ts'

// The process of all built-in plugins: one for every mount of them.
await serve(builtinPlugins(process.argv.slice(2)))

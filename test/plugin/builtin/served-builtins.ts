import { serve } from 'portcullis/plugin'
import { builtinPlugins } from '../../../lib/plugin/builtin/plugins.ts'

await serve(builtinPlugins([]))

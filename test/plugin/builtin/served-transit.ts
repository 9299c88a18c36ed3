import { serve } from 'portcullis/plugin'
import { transit } from '../../../lib/plugin/builtin/transit/plugin.ts'

await serve(transit)

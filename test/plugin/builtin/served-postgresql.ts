import { serve } from 'portcullis/plugin'
import { postgresql } from '../../../lib/plugin/builtin/postgresql/plugin.ts'

await serve(postgresql)

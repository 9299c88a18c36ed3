import { serve } from 'portcullis/plugin'
import { plugin } from './example.ts'

await serve(plugin, { multiplexing: process.env.TEST_NO_MULTIPLEXING === undefined })

import type { PluginSource } from '../source.ts'
import type { FetchContext, Fetched } from './fetched.ts'
import { fetchFile } from './file.ts'
import { fetchGo } from './go.ts'
import { fetchHttps } from './https.ts'
import { fetchNpm } from './npm.ts'

/** Brings a plugin into the staging folder. @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_INSTALL`. */
export function fetchSource(source: PluginSource, context: FetchContext): Promise<Fetched> {
  switch (source.kind) {
    case 'file':
      return fetchFile(source.path, context)
    case 'npm':
      return fetchNpm(source, context)
    case 'go':
      return fetchGo(source, context)
    case 'https':
      return fetchHttps(source, context)
  }
}

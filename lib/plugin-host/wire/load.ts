import { PluginError } from '../../errors/index.ts'

const PACKAGE = '@bufbuild/protobuf'
/** Of Node: it is not there, or in a version that is not made as ours is. */
const MISSING: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])

/**
 * Loads a module that speaks the wire: only then is the package needed that reads and writes its messages.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_PACKAGE`: the package is not installed.
 */
export async function loadWire<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if (!isMissing(cause)) throw cause
    const message = `plugins are spoken to with the package ${PACKAGE}, which cannot be loaded: npm install ${PACKAGE}`
    throw new PluginError('ERR_PORTCULLIS_PLUGIN_PACKAGE', message, { cause })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && MISSING.has((error as NodeJS.ErrnoException).code) && error.message.includes(PACKAGE)
}

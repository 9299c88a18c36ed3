import { PluginError, type PluginErrorDetails } from '../../errors/index.ts'

/** Nothing was installed; says at which step, and what to do. */
export function installError(message: string, details: PluginErrorDetails = {}): PluginError {
  return new PluginError('ERR_PORTCULLIS_PLUGIN_INSTALL', message, details)
}

/** What there is differs from what the lock says. */
export function lockError(message: string, details: PluginErrorDetails = {}): PluginError {
  return new PluginError('ERR_PORTCULLIS_PLUGIN_LOCK', message, details)
}

/** The system's code of an error; `it failed` where it has none. */
export function reasonOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'it failed'
}

/** Nobody said that it is to be trusted. */
export function untrustedError(message: string): PluginError {
  return new PluginError('ERR_PORTCULLIS_PLUGIN_UNTRUSTED', message)
}

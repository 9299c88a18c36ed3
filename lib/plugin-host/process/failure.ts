import { type ErrorCode, PluginError, type PluginErrorDetails } from '../../errors/index.ts'

type PluginCode = Extract<ErrorCode, `ERR_PORTCULLIS_PLUGIN_${string}`>

/** Whose failure it is. */
export interface FailureOf {
  readonly plugin: string
  readonly mount?: string
}

/** A {@link PluginError} that says what was tried on which plugin, and what stood in the way. */
export function failure(
  code: PluginCode,
  of: FailureOf,
  what: string,
  details: Omit<PluginErrorDetails, 'plugin' | 'mount'> = {},
): PluginError {
  return new PluginError(code, `plugin ${of.plugin}: ${what}`, { ...of, ...details })
}

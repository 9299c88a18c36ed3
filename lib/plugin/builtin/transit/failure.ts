import { PluginRefusal } from '../../refusal.ts'

/** A refusal that servers answer with status 500, though the caller is the one who can mend it. */
export function failed(text: string): PluginRefusal {
  return new PluginRefusal(text, 'user')
}

/** Was it answered with status 500? */
export function isFailure(refusal: PluginRefusal): boolean {
  return refusal.kind === 'user'
}

import type { Place } from '../place.ts'

/** A segment of a path that an attribute of the caller stands in for: `{{caller.user}}`. */
export interface Slot {
  /** Which segment, from 0. */
  readonly at: number
  /** Names from the caller down: `['user']`, `['token', 'alias']`, `['token', 'metadata', 'team']`. */
  readonly attribute: readonly string[]
}

/** A path with templates, taken apart. */
export interface Template {
  /** With `+` for each template: what it could match for some caller. */
  readonly shape: string
  /** None where the path has no template. */
  readonly slots: readonly Slot[]
}

const SLOT = /^\{\{caller((?:\.[A-Za-z0-9_-]+)+)\}\}$/

/**
 * The templates in a path. One stands for a whole segment: a part of one would let `u-1*` be `u-10`.
 *
 * @throws {PolicyLoadError} for attributes that never are one segment. What is no template is left in `shape`.
 */
export function parseTemplate(path: string, place: Place): Template {
  const slots: Slot[] = []
  const segments = path.split('/').map((segment, at) => {
    const names = SLOT.exec(segment)?.[1]
    if (names === undefined) return segment
    const attribute = names.slice(1).split('.')
    if (!isAttribute(attribute)) throw place.refusal(`${segment} ${NO_ATTRIBUTE}`)
    slots.push({ at, attribute: Object.freeze(attribute) })
    return '+'
  })
  return { shape: segments.join('/'), slots: Object.freeze(slots) }
}

const NO_ATTRIBUTE =
  'never is one segment: a template names an attribute, or token.alias, token.entity or token.metadata.NAME'

/** Only the attribute `token` has parts, and of those a list and a path with slashes are no segment. */
function isAttribute([name, part, key, ...more]: readonly string[]): boolean {
  if (name !== 'token') return part === undefined
  if (part === 'alias' || part === 'entity') return key === undefined
  return part === 'metadata' && key !== undefined && more.length === 0
}

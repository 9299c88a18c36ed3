import type { SpecialPaths } from '../model/backend.ts'
import type { BackendDefinition } from './definition.ts'
import type { Path } from './path.ts'

/** What a server treats apart, in its own notation. */
export function specialPathsOf(plugin: BackendDefinition, paths: readonly Path[]): SpecialPaths {
  return {
    root: unique(paths.filter(({ isRoot }) => isRoot).flatMap(rootForms)),
    unauthenticated: unique(paths.filter(({ isUnauthenticated }) => isUnauthenticated).flatMap(openForms)),
    localStorage: plugin.localStorage ?? [],
    sealWrapStorage: plugin.sealWrapStorage ?? [],
  }
}

function openForms({ pattern, handlers }: Path): readonly string[] {
  const folders = handlers.list === undefined ? [] : pattern.special.filter((form) => !form.endsWith('*'))
  return [...pattern.special, ...folders.map((form) => `${form}/`)]
}

/** `+` means nothing here: all that begins alike is covered, since too few would let someone in. */
function rootForms({ pattern, handlers }: Path): readonly string[] {
  return pattern.special.flatMap((form) => {
    const plus = form.split('/').indexOf('+')
    if (plus !== -1)
      return [
        `${form
          .split('/')
          .slice(0, plus)
          .map((segment) => `${segment}/`)
          .join('')}*`,
      ]
    return handlers.list === undefined || form.endsWith('*') ? [form] : [form, `${form}/`]
  })
}

function unique(forms: readonly string[]): readonly string[] {
  return [...new Set(forms)]
}

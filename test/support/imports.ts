import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** One import or re-export. */
export interface Import {
  /** Erased before the program runs? */
  readonly isType: boolean
  readonly isDynamic: boolean
  /** Path from the checkout (`lib/model/json.ts`) of a file of ours; else the specifier as it stands. */
  readonly target: string
}

/** A source file, as far as rules look at it. */
export interface Source {
  /** From the checkout, with slashes. */
  readonly path: string
  /** Without comments. */
  readonly code: string
  readonly lines: number
  readonly imports: readonly Import[]
}

/** Every TypeScript file below `folders` of the checkout. */
export function sourcesIn(...folders: readonly string[]): readonly Source[] {
  return folders.flatMap((folder) => {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    return names
      .filter((name) => name.endsWith('.ts'))
      .map((name) =>
        relative(ROOT, join(ROOT, folder, name))
          .split(sep)
          .join('/'),
      )
      .sort()
      .map((path) => sourceOf(path, readFileSync(join(ROOT, path), 'utf8')))
  })
}

/** A source from its text: what the rules are tried on. */
export function sourceOf(path: string, text: string): Source {
  const code = withoutComments(text)
  return { path, code, lines: text.trimEnd().split('\n').length, imports: importsIn(path, code) }
}

/** Strings and expressions are stepped over, so that `//` in a URL is no comment. */
function withoutComments(text: string): string {
  return text.replace(
    /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, kept: string | undefined) => kept ?? '',
  )
}

const STATIC = /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[\w$*{][^'"`;()=]*?\sfrom\s+)?(['"])([^'"]+)\3/g
const DYNAMIC = /\bimport\(\s*(['"])([^'"]+)\1/g

function importsIn(path: string, code: string): readonly Import[] {
  const found: Import[] = []
  for (const [, , type, , specifier = ''] of code.matchAll(STATIC))
    found.push({ isType: type !== undefined, isDynamic: false, target: targetOf(path, specifier) })
  for (const [, , specifier = ''] of code.matchAll(DYNAMIC))
    found.push({ isType: false, isDynamic: true, target: targetOf(path, specifier) })
  return found
}

function targetOf(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
}

/** The folder right below `lib/` that a path is in: `policy`; for files directly in it, their name: `gateway.ts`. */
export function areaOf(path: string): string {
  return path.split('/')[1] ?? ''
}

import { installError } from './failure.ts'

/** Where a plugin is installed from. */
export type PluginSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'npm'; readonly name: string; readonly version: string }
  | {
      readonly kind: 'go'
      /** Module path: what stands before `/cmd/`. */
      readonly module: string
      readonly package: string
      readonly name: string
      /** With leading `v`. */
      readonly version: string
    }
  | { readonly kind: 'https'; readonly url: string; readonly sha256: string }

const NPM = /^((?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*)@(.+)$/
const EXACT = /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,100})?(?:\+[0-9A-Za-z.-]{1,100})?$/
const GO = /^([A-Za-z0-9][A-Za-z0-9._~/-]*)@(.+)$/
const SHA256 = /^[0-9a-f]{64}$/
const MAX_LENGTH = 2048

/**
 * Reads what was asked for: `./file`, `npm:@scope/name@1.2.3`, `go:MODULE/cmd/NAME@v1.2.3` or `https://…#sha256=…`.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_INSTALL`, saying which form it should have.
 */
export function parseSource(text: string): PluginSource {
  if (text === '' || text.length > MAX_LENGTH || /[\p{Cc}]/u.test(text))
    throw refused(text, 'is no source: give ./file, npm:NAME@VERSION, go:MODULE/cmd/NAME@VERSION or https://…#sha256=…')
  if (text.startsWith('npm:')) return npmSource(text)
  if (text.startsWith('go:')) return goSource(text)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return httpsSource(text)
  if (/^\.{0,2}\//.test(text)) return { kind: 'file', path: text }
  throw refused(
    text,
    `is no source: a file is told as ./${text.replace(/^.*[:/]/, '')}, others as npm:…, go:… or https://…`,
  )
}

function npmSource(text: string): PluginSource {
  const [, name, version = ''] = NPM.exec(text.slice('npm:'.length)) ?? []
  if (name === undefined) throw refused(text, 'has no version: npm:@scope/name@1.2.3')
  if (!EXACT.test(version)) throw refused(text, 'needs an exact version, such as 1.2.3: no range and no tag')
  return { kind: 'npm', name, version }
}

function goSource(text: string): PluginSource {
  const [, path, version = ''] = GO.exec(text.slice('go:'.length)) ?? []
  if (path === undefined || path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw refused(text, 'has not the form go:MODULE/cmd/NAME@v1.2.3')
  if (!version.startsWith('v') || !EXACT.test(version.slice(1)))
    throw refused(text, 'needs an exact version, such as v1.2.3: no branch and no "latest"')
  const name =
    path
      .replace(/\/v\d+$/, '')
      .split('/')
      .at(-1) ?? ''
  const module = path.includes('/cmd/') ? path.slice(0, path.indexOf('/cmd/')) : path
  return { kind: 'go', module, package: path, name, version }
}

function httpsSource(text: string): PluginSource {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw refused(text, 'is no URL')
  }
  if (url.protocol !== 'https:') throw refused(text, 'is not https: anyone on the way could change it')
  if (url.username !== '' || url.password !== '')
    throw refused('the URL', 'holds a user or password, which would end up in plugins.lock.json')
  const sha256 = url.hash.replace(/^#sha256=/, '').toLowerCase()
  if (!SHA256.test(sha256)) throw refused(text, 'does not end in #sha256= and 64 hex digits')
  url.hash = ''
  return { kind: 'https', url: url.href, sha256 }
}

function refused(text: string, why: string): Error {
  return installError(`${text.length > 200 ? `${text.slice(0, 200)}…` : text} ${why}`)
}

/** As it stands in the lock, and can be given again. */
export function sourceText(source: PluginSource): string {
  switch (source.kind) {
    case 'file':
      return source.path
    case 'npm':
      return `npm:${source.name}@${source.version}`
    case 'go':
      return `go:${source.package}@${source.version}`
    case 'https':
      return `${source.url}#sha256=${source.sha256}`
  }
}

import { refuse } from './reply.ts'

const VERSION = /^v?(\d+(?:\.\d+)*(?:-[\dA-Za-z.~-]+)?(\+[\dA-Za-z.~-]+)?)$/

/** A version as it is stored: with leading `v`; `''` for one that comes with the host. @throws {Refusal} 400: it is none. */
export function checkedVersion(text: string): string {
  if (text === '') return ''
  const [, version = '', metadata = ''] = (text.length <= 128 ? VERSION.exec(text) : null) ?? []
  if (version === '') {
    const shown = text.slice(0, 128)
    throw refuse(`version ${JSON.stringify(shown)} is not a valid semantic version: malformed version: ${shown}`)
  }
  return metadata.includes('builtin') ? '' : `v${version}`
}

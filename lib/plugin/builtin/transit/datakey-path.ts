import { randomBytes } from 'node:crypto'
import { data } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import { encrypt } from './cipher.ts'
import { bindingOf } from './cipher-paths.ts'
import { keyIn, nameIn } from './context.ts'

const BITS: ReadonlySet<number> = new Set([128, 256, 512])

/** A fresh key for a caller's own use, encrypted by a key of the mount; as it is too, where the path says `plaintext`. */
export const datakeyPath: Path = path('datakey/:plaintext/:name', {
  summary: 'A fresh key, encrypted; and in plain, where the path says plaintext.',
  fields: {
    properties: {
      context: { type: 'string', description: 'Base64: whose key it is, of a derived key.' },
      associated_data: { type: 'string', description: 'Base64: authenticated with the key.' },
      bits: { type: 'integer', default: 256, description: '128, 256 or 512.' },
      key_version: { type: 'integer', default: 0, description: '0: the latest.' },
    },
  },
  update: async (request) => {
    nameIn(request)
    const { context = '', associated_data = '', bits, key_version } = request.fields
    const { plaintext: how } = request.params
    if (how !== 'plaintext' && how !== 'wrapped')
      throw new PluginRefusal("Invalid path, must be 'plaintext' or 'wrapped'")
    if (!isBase64(context)) throw new PluginRefusal('failed to base64-decode context')
    const key = await keyIn(request, 'encryption key not found')
    if (!BITS.has(bits)) throw new PluginRefusal('invalid bit length')
    const fresh = randomBytes(bits / 8)
    const { ciphertext, version } = encrypt(key, fresh, bindingOf(key, { context, associated_data }, 0), key_version)
    const plaintext = how === 'plaintext' ? { plaintext: fresh.toString('base64') } : {}
    return data({ ciphertext, key_version: version, ...plaintext })
  },
})

function isBase64(text: string): boolean {
  try {
    readBase64(text)
    return true
  } catch {
    return false
  }
}

import { Buffer } from 'node:buffer'
import type { JsonObject } from '../../../model/json.ts'
import { data } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { keysOf, nameIn } from './context.ts'
import { failed } from './failure.ts'
import { ed25519Key, publicText, type TransitKey } from './key.ts'

type Kind = 'encryption-key' | 'signing-key' | 'hmac-key' | 'public-key'
const KINDS: ReadonlySet<string> = new Set<Kind>(['encryption-key', 'signing-key', 'hmac-key', 'public-key'])

/** The key itself, where it is exportable; and public keys of all. */
export const exportPath: Path = path('export/:type/:name/:version?', {
  summary: 'The key itself, where it is exportable; public keys of all.',
  description: 'type is encryption-key, signing-key, hmac-key or public-key; version is a number or "latest".',
  read: async (request) => {
    const name = nameIn(request)
    const { type: kind, version } = request.params
    if (!isKind(kind)) throw new PluginRefusal(`invalid export type: ${kind}`)
    const key = await keysOf(request).get(name)
    if (key === undefined) return undefined
    const { stored, traits } = key
    if (kind !== 'public-key' && !stored.exportable) throw new PluginRefusal('private key material is not exportable')
    if (kind === 'encryption-key' && !traits.encrypts) throw new PluginRefusal('encryption not supported for the key')
    if (kind === 'signing-key' && !traits.signs) throw new PluginRefusal('signing not supported for the key')
    const keys = Object.fromEntries(versionsOf(key, version).map((number) => [number, exported(key, number, kind)]))
    return data({ name, type: stored.type, keys } satisfies JsonObject)
  },
})

function isKind(text: string): text is Kind {
  return KINDS.has(text)
}

function versionsOf({ stored }: TransitKey, asked: string | undefined): readonly number[] {
  const all = Object.keys(stored.versions).map(Number)
  if (asked === undefined) return all.filter((number) => number >= stored.minDecryptionVersion)
  if (asked === 'latest') return [stored.latestVersion]
  if (!/^-?\d{1,9}$/.test(asked)) throw new PluginRefusal('invalid key version')
  const number = Number(asked)
  if (number < stored.minDecryptionVersion)
    throw new PluginRefusal('version for export is below minimum decryption version')
  if (!all.includes(number)) throw new PluginRefusal('version does not exist or cannot be found')
  return [number]
}

function exported(key: TransitKey, number: number, kind: Kind): string {
  const { type } = key.stored
  const { material, hmacKey } = key.version(number)
  if (kind === 'hmac-key') return hmacKey
  if (key.traits.shownAs === undefined) {
    if (kind === 'public-key') throw failed(`unknown key type ${type} for export type ${kind}`)
    return material
  }
  if (type === 'ed25519') return ed25519(key, number, kind)
  const privateKey = key.privateKey(number)
  const isCurve = key.traits.curve !== undefined
  const pem =
    kind === 'public-key'
      ? publicText(privateKey)
      : String(privateKey.export({ type: isCurve ? 'sec1' : 'pkcs1', format: 'pem' }))
  // As the servers have it: PEM of curves without a last line break, of RSA with one.
  return isCurve ? pem.trimEnd() : pem
}

/** The public key, or seed and public key: 64 bytes. */
function ed25519(key: TransitKey, number: number, kind: Kind): string {
  const seed = Buffer.from(key.version(number).material, 'base64')
  const publicKey = publicText(ed25519Key(seed))
  if (kind === 'public-key') return publicKey
  return Buffer.concat([seed, Buffer.from(publicKey, 'base64')]).toString('base64')
}

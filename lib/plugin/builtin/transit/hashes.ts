/** Names of hashes as the API has them → as `node:crypto` has them. */
const HASHES: Readonly<Record<string, string>> = {
  sha1: 'sha1',
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha3-224': 'sha3-224',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
}

/** `undefined` for one that is not known. */
export function hashOf(name: string): string | undefined {
  return Object.hasOwn(HASHES, name) ? HASHES[name] : undefined
}

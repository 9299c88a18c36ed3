import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** Signs JWTs with a key of its own. */
export interface TokenIssuer {
  /** PEM, for whoever checks them. */
  readonly publicKey: string
  /** A JWT with `claims`, good for an hour. */
  issue(claims: object): string
}

export function createIssuer(): TokenIssuer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    issue: (claims) => signed({ iat: nowSeconds() - 10, exp: nowSeconds() + 3600, ...claims }, privateKey),
  }
}

function signed(claims: object, key: KeyObject): string {
  const text = [{ alg: 'ES256', typ: 'JWT' }, claims].map((part) => base64(Buffer.from(JSON.stringify(part)))).join('.')
  return `${text}.${base64(sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }))}`
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64url')
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

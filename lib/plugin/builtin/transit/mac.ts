import { createHmac, timingSafeEqual } from 'node:crypto'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import type { TransitKey } from './key.ts'
import { readVersioned, versionedText } from './versioned.ts'

/** `vault:v1:` and base64 of the HMAC. @param hash - As `node:crypto` names it. @param askedVersion - 0 for the latest. */
export function macOf(key: TransitKey, input: Uint8Array, hash: string, askedVersion: number): string {
  const { latestVersion } = key.stored
  const version = askedVersion === 0 ? latestVersion : askedVersion
  if (version < 0) throw new PluginRefusal('key version does not exist (cannot be negative)')
  if (version > latestVersion)
    throw new PluginRefusal(`key version does not exist; latest key version is ${latestVersion}`)
  return versionedText(version, createHmac(hash, key.hmacKey(version)).update(input).digest('base64'))
}

const WORDING = {
  what: 'HMAC',
  whatWithoutPrefix: 'HMAC to verify',
  tooOld: 'cannot verify HMAC: version is too old (disallowed by policy)',
}

/** Is `mac` the HMAC of `input`? @throws {PluginRefusal} it is none at all, or of a version that is not allowed. */
export function verifyMac(key: TransitKey, input: Uint8Array, hash: string, mac: string): boolean {
  const { version, text } = readVersioned(mac, key.stored, WORDING)
  const given = readBase64(text, 'unable to decode verification HMAC as base64: ')
  const expected = createHmac(hash, key.hmacKey(version)).update(input).digest()
  return given.length === expected.length && timingSafeEqual(given, expected)
}

import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Random } from '../../ports/random.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** Bytes from here on would favour the first letters. */
const EVEN_BYTES = 256 - (256 % LETTERS.length)

/** Letters and digits, each as likely as any other: tokens, accessors and the ends of lease ids. */
export function randomName(random: Random, length: number): string {
  let name = ''
  while (name.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < EVEN_BYTES && name.length < length) name += LETTERS[byte % LETTERS.length]
    }
  }
  return name
}

/** 8 hex digits, for accessors of mounts. */
export function randomHex(random: Random): string {
  return Buffer.from(random.bytes(4)).toString('hex')
}

/** What stands for a token, lease id or name where it must not stand itself: keys of storage are not encrypted. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What a plugin is told in place of a token: the same for one token on one mount, and for none other. */
export function saltedToken(mountUuid: string, token: string): string {
  return createHash('sha1')
    .update(mountUuid + token)
    .digest('hex')
}

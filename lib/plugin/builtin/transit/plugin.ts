import { definePlugin } from '../../define.ts'
import type { BackendPlugin } from '../../definition.ts'
import { perMount } from '../../request.ts'
import { cipherPaths } from './cipher-paths.ts'
import { keysOf } from './context.ts'
import { datakeyPath } from './datakey-path.ts'
import { exportPath } from './export-path.ts'
import { keyConfigPath } from './key-config-path.ts'
import { keyPaths } from './key-paths.ts'
import { settingsPaths } from './settings-paths.ts'
import { signaturePaths } from './signature-paths.ts'
import { toolPaths } from './tool-paths.ts'

/** Rounds of periodic work, a minute each, between two looks for keys that are due. */
const ROUNDS = 60
const rounds = perMount(() => ({ left: 0 }))

/**
 * Encryption as a service, with the paths and answers of the servers' own transit engine; made of `node:crypto` alone.
 *
 * Keys: `aes128-gcm96`, `aes256-gcm96`, `chacha20-poly1305`, `ed25519`, `ecdsa-p256`, `-p384`, `-p521`, `rsa-2048`,
 * `-3072`, `-4096`, `hmac`; with versions, derivation by context (HKDF-SHA-256), convergent encryption, export.
 *
 * Not here: import, backup and restore, BYOK, certificates, soft deletion, `xchacha20-poly1305`, and digests signed by
 * anything but RSA with PKCS #1 v1.5 (`prehashed`), which `node:crypto` cannot do.
 *
 * Storage: `keys/NAME` with all versions of a key, `settings/…`. Keys are kept in memory once read.
 */
export const transit: BackendPlugin = definePlugin({
  name: 'transit',
  type: 'secret',
  help: 'Encrypts, signs and hashes for its callers, and keeps the keys to itself.',
  paths: [
    ...keyPaths,
    keyConfigPath,
    ...cipherPaths,
    datakeyPath,
    ...signaturePaths,
    ...toolPaths,
    exportPath,
    ...settingsPaths,
  ],
  sealWrapStorage: ['keys/'],
  invalidate: (mount, key) => keysOf(mount).forget(key),
  periodic: async ({ mount }) => {
    const round = rounds(mount)
    round.left -= 1
    if (round.left > 0) return
    round.left = ROUNDS
    await keysOf(mount).rotateDue()
  },
})

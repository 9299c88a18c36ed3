import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)
const ITERATIONS = 4_096
const SALT_BYTES = 16

/**
 * What PostgreSQL stores of `password` for SCRAM-SHA-256; a statement that has this has no password for logs to show.
 *
 * @see https://www.postgresql.org/docs/current/catalog-pg-authid.html - the form
 * @see https://www.rfc-editor.org/rfc/rfc5802#section-3
 */
export async function scramVerifier(password: string, salt: Uint8Array = randomBytes(SALT_BYTES)): Promise<string> {
  // SASLprep of what password policies make: NFKC does what else there is to do.
  const salted = await derive(password.normalize('NFKC'), salt, ITERATIONS, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`
}

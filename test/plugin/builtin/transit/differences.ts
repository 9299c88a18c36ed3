const PREHASHED =
  'node:crypto signs digests by RSA with PKCS #1 v1.5 alone; a scheme that cannot be had is refused, not made by hand'

/** Requests that our transit answers otherwise than the server's, and why. */
export const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['POST keys/bad {"exportable":"perhaps"}', 'fields are checked by the SDK, in its own words; the status is the same'],
  ['POST keys/default/config {"min_decryption_version":0}', 'taken as 1 too, without a warning about old releases'],
  ['POST sign/k-ecdsa-p256 {"input":"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=","prehashed":true}', PREHASHED],
  [
    'POST verify/k-ecdsa-p256 {"input":"aGVsbG8=","signature":"{pre}"}',
    'follows from the one before: nothing was signed',
  ],
  [
    'POST verify/k-ecdsa-p256 {"input":"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=","prehashed":true,"signature":"{pre}"}',
    PREHASHED,
  ],
  ['POST sign/k-rsa-2048 {"input":"aGVsbG8=","prehashed":true}', PREHASHED],
  ['POST hmac/default/md5 {"input":"aGVsbG8="}', 'the server tells a zero byte where we tell the name; both refuse'],
  ['POST random/-1 {}', 'the server passes over a count below 0 and gives 32 bytes; we refuse it'],
  [
    'POST encrypt/k-rsa-2048 {"batch_input":[{"plaintext":"aGVsbG8=","associated_data":"YWFk"}]}',
    'the server answers 200 though nothing was encrypted; we answer 400, as it does for any other failed item',
  ],
  [
    'POST sign/k-ed25519 {"batch_input":[{"input":5}]}',
    'the server reads a number as an odd text; we refuse the batch, as it does for encryption',
  ],
  ['POST sign/k-rsa-2048 {"input":"aGVsbG8=","salt_length":"4000"}', 'in our own words; the status is the same'],
])

const FAILED_BATCH = 'a status of 500 carries no data through a host: its callers get an error'

/** The same, of our transit in our host. */
export const IN_HOST: ReadonlyMap<string, string> = new Map(
  [
    `POST encrypt/k-rsa-2048 {"batch_input":[{"plaintext":"aGVsbG8="},{"plaintext":"${'eHh4'.repeat(40)}`,
    `POST encrypt/k-rsa-2048 {"batch_input":[{"plaintext":"${'eHh4'.repeat(40)}`,
  ].map((name) => [name.slice(0, 150), FAILED_BATCH]),
)

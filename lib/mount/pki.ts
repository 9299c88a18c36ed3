import { Buffer } from 'node:buffer'
import { ServerError } from '../errors/index.ts'
import type { Answer } from '../model/answer.ts'
import type { IssuedCertificate, PkiMount } from '../model/mounts.ts'
import type { Calls } from './kv.ts'
import { textField } from './text.ts'

/** A view of the pki mount at `mount`. */
export function createPki(calls: Calls, mount: string): PkiMount {
  return {
    async issue(role, data, options): Promise<IssuedCertificate> {
      const path = `${mount}/issue/${role}`
      return issued(await calls.write(path, data, options), path)
    },
    async sign(role, data, options): Promise<IssuedCertificate> {
      const path = `${mount}/sign/${role}`
      return issued(await calls.write(path, data, options), path)
    },
    async ca(options): Promise<string> {
      const path = `${mount}/ca/pem`
      const { raw, status } = await calls.read(path, options)
      if (raw !== undefined) return Buffer.from(raw.bytes).toString('utf8')
      const message = `read ${path}: the answer is no text; has the mount a CA?`
      throw new ServerError('ERR_PORTCULLIS_SERVER_BAD_ANSWER', message, { operation: 'read', path, status })
    },
  }
}

function issued(answer: Answer, path: string): IssuedCertificate {
  const { data } = answer
  const chain = Array.isArray(data.ca_chain) ? data.ca_chain.filter((pem) => typeof pem === 'string') : []
  return {
    certificate: textField(data, 'certificate', 'write', path),
    privateKey: typeof data.private_key === 'string' ? data.private_key : '',
    issuingCa: typeof data.issuing_ca === 'string' ? data.issuing_ca : '',
    caChain: chain,
    serialNumber: textField(data, 'serial_number', 'write', path),
    expiresAtMs: typeof data.expiration === 'number' ? data.expiration * 1000 : Number.NaN,
    answer,
  }
}

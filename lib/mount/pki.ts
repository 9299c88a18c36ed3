import { Buffer } from 'node:buffer'
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
      const answer = await calls.read(`${mount}/ca/pem`, options)
      return Buffer.from(answer.raw?.bytes ?? []).toString('utf8')
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

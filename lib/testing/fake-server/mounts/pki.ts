import { randomBytes } from 'node:crypto'
import type { Backend, Call, Outcome } from '../backend.ts'
import { durationMs } from '../duration.ts'
import { Refusal } from '../exchange.ts'
import type { State } from '../state.ts'
import { textField } from './fields.ts'

/** A PEM block of random bytes: right in shape, no certificate inside. */
function block(label: string): string {
  const lines =
    randomBytes(192)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')
}

/**
 * PKI in shape alone: `ca/pem` is raw, `issue/ROLE` and `sign/ROLE` are writes without a lease that tell an end.
 *
 * The PEM blocks hold random bytes. Nothing here can be used for TLS.
 */
export function createPki(): Backend {
  const ca = block('CERTIFICATE')
  return {
    isOpen: (rest) => rest === 'ca/pem' || rest === 'ca_chain',
    handle(call, state): Outcome {
      const [, part = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(call.rest) ?? []
      if (call.rest === 'ca/pem' || call.rest === 'ca_chain') return raw(ca)
      if (part === 'roles' || part === 'root' || part === 'config') return {}
      if (call.operation !== 'write' || (part !== 'issue' && part !== 'sign'))
        throw new Refusal(404, 'unsupported path')
      if (name === '') throw new Refusal(400, 'missing role')
      return issued(part, ca, call, state)
    },
  }
}

function raw(text: string): Outcome {
  const headers = { 'content-type': 'application/pem-certificate-chain' }
  return { reply: { status: 200, headers, body: Buffer.from(text) } }
}

function issued(part: 'issue' | 'sign', ca: string, call: Call, state: State): Outcome {
  if (part === 'issue' && textField(call.data, 'common_name') === '')
    throw new Refusal(400, 'the common_name field is required')
  state.countMint(call.path)
  const endWallMs = state.clock.wallTime() + durationMs(call.data.ttl, 3_600_000)
  return {
    data: {
      certificate: block('CERTIFICATE'),
      issuing_ca: ca,
      ca_chain: [ca],
      serial_number: (randomBytes(20).toString('hex').match(/../g) ?? []).join(':'),
      expiration: Math.floor(endWallMs / 1000),
      ...(part === 'issue' ? { private_key: block('RSA PRIVATE KEY'), private_key_type: 'rsa' } : {}),
    },
  }
}

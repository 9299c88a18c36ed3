import { type AuditDeviceOptions, createGateway, file, type Gateway, token } from '../../lib/index.ts'

/** Governs like a service that takes it seriously: two policies, one of them bound by a subject, and audit to `device`. */
export function governed(address: string, device: AuditDeviceOptions, clientToken = 'hvs.bench'): Promise<Gateway> {
  return createGateway(
    {
      server: { address, connections: CONNECTIONS },
      auth: token({ token: clientToken }),
      policies: [ORDERS, GUARDRAILS],
      caller: { service: 'orders', component: 'checkout' },
      audit: { devices: [device] },
    },
    { environment: {} },
  )
}

/** To the server, for ours and for the peers. */
export const CONNECTIONS = 64

/** The device of most rows: a required file. */
export function auditFile(path: string): AuditDeviceOptions {
  return file(path)
}

export const ORDERS: { readonly policy: string; readonly subject: object; readonly rules: readonly object[] } = {
  policy: 'orders',
  subject: { properties: { service: { const: 'orders' } }, required: ['service'] },
  rules: [
    { id: 'db', path: 'database/creds/+', operations: ['read'], effect: 'allow' },
    { id: 'config', path: 'kv/data/orders/*', operations: ['read'], effect: 'allow' },
    { id: 'leased', path: 'secret/orders', operations: ['read'], effect: 'allow' },
  ],
}

export const GUARDRAILS: { readonly policy: string; readonly rules: readonly object[] } = {
  policy: 'guardrails',
  rules: [{ id: 'no-sys', path: 'sys/*', operations: ['*'], effect: 'forbid', reason: 'operators only' }],
}

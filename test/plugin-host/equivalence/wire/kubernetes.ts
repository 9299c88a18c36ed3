import type { KubernetesApi } from '../../../support/kubernetes-api.ts'
import { ask, type Step } from './script.ts'

const RULES = '{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]}'

/** Service accounts, roles and tokens of the Go kubernetes plugin at `root`, before an API each; the second half while the API fails. */
export function kubernetesScript(root: string, apis: readonly KubernetesApi[]): readonly Step[] {
  const fail = (which: (method: string, path: string) => boolean) => () => {
    for (const api of apis) api.fail(which)
  }
  const role = { allowed_kubernetes_namespaces: 'default', name_template: 'fixed' }
  const keep = (name: string): Pick<Step, 'keep'> => ({ keep: { [name]: 'body.lease_id' } })
  return [
    ask('GET', `${root}/check`),
    ask('POST', `${root}/creds/made`, {}),
    ask('POST', `${root}/config`, {
      kubernetes_host: '{api}',
      service_account_jwt: 'a.b.c',
      disable_local_ca_jwt: true,
    }),
    ask('GET', `${root}/config`),
    ask('POST', `${root}/config`, { kubernetes_host: '{api}', kubernetes_ca_cert: 'nonsense' }),
    ask('POST', `${root}/creds/none`, {}),
    ask('DELETE', `${root}/config`),
    ask('POST', `${root}/config`, {
      kubernetes_host: '{api}',
      service_account_jwt: 'a.b.c',
      disable_local_ca_jwt: true,
    }),
    ask('POST', `${root}/roles/made`, {
      ...role,
      generated_role_rules: RULES,
      token_default_ttl: '10m',
      token_max_ttl: '1h',
    }),
    ask('POST', `${root}/roles/bound`, { ...role, kubernetes_role_name: 'reader' }),
    ask('POST', `${root}/roles/plain`, { ...role, name_template: '', service_account_name: 'app' }),
    ask('POST', `${root}/roles/none`, role),
    ask('POST', `${root}/roles/two`, { ...role, kubernetes_role_name: 'a', service_account_name: 'b' }),
    ask('POST', `${root}/roles/rules`, { ...role, generated_role_rules: 'nonsense' }),
    ask('POST', `${root}/roles/long`, {
      ...role,
      kubernetes_role_name: 'a',
      token_default_ttl: '2h',
      token_max_ttl: '1h',
    }),
    ask('GET', `${root}/roles/made`),
    ask('LIST', `${root}/roles`),
    ask('POST', `${root}/creds/none`, {}),
    ask('POST', `${root}/creds/made`, { kubernetes_namespace: 'elsewhere' }),
    ask('POST', `${root}/creds/made`, {}, keep('k1')),
    ask('POST', `${root}/creds/made`, { ttl: '2h' }, keep('k2')),
    ask('POST', `${root}/creds/bound`, { kubernetes_namespace: 'default', ttl: 60, audiences: 'a,b' }, keep('k3')),
    ask('POST', `${root}/creds/plain`, {}, keep('k4')),
    ask('POST', `${root}/creds/made`, {}, { wrapTtl: '60s' }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{k1}' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{k1}', increment: 60 }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{k1}', sync: true }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{k1}' }),
    ask('POST', `${root}/creds/made`, {}, { before: fail((_, path) => path.endsWith('/token')) }),
    ask('POST', `${root}/creds/plain`, {}),
    ask('POST', `${root}/creds/made`, {}, { before: fail((_, path) => path.startsWith('roles')) }),
    ask('POST', `${root}/creds/bound`, {}, { before: fail(() => true) }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{k3}', sync: true }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{k3}' }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{k3}', sync: true }, { before: fail(() => false) }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{k3}' }),
    ask('DELETE', `${root}/roles/made`),
    ask('POST', `sys/leases/revoke-prefix/${root}`, { sync: true }),
    ask('LIST', `sys/leases/lookup/${root}/creds`),
    ask('DELETE', `${root}/config`),
    ask('GET', `${root}/config`),
  ]
}

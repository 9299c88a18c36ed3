import { unseal } from '../../model/sealed.ts'
import { checkNames, stringOption } from '../../options/check.ts'
import type { AuthMethod } from '../../ports/auth-method.ts'
import { readCredential } from './credential.ts'
import { logIn } from './log-in.ts'
import { mountOption } from './login-path.ts'

/** Where Kubernetes puts the token of a pod's service account. */
export const SERVICE_ACCOUNT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** A role, and where the pod's token is. */
export interface KubernetesOptions {
  readonly role: string
  /** Read anew at each login: the kubelet replaces it. Default {@link SERVICE_ACCOUNT_FILE}. */
  readonly jwtFile?: string
  /** Path of the auth method. Default `kubernetes`. */
  readonly mount?: string
}

/**
 * Login with the service account of the pod.
 *
 * @throws {TypeError} for missing or wrong options.
 * @example
 * kubernetes({ role: 'orders' })
 */
export function kubernetes(options: KubernetesOptions): AuthMethod {
  checkNames('kubernetes()', options, ['role', 'jwtFile', 'mount'])
  const path = `auth/${mountOption(options.mount, 'kubernetes')}/login`
  const role = stringOption('role', options.role ?? null, '')
  const source = { file: stringOption('jwtFile', options.jwtFile, SERVICE_ACCOUNT_FILE) }
  return {
    method: 'kubernetes',
    async login(context) {
      const jwt = unseal(await readCredential(source, context, 'kubernetes', 'jwt'))
      return logIn(context, 'kubernetes', path, { role, jwt })
    },
  }
}

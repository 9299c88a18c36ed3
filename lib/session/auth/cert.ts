import { checkNames, stringOption } from '../../options/check.ts'
import type { AuthMethod } from '../../ports/auth-method.ts'
import { logIn } from './log-in.ts'
import { mountOption } from './login-path.ts'

/** Which of the server's certificate roles to log in to. */
export interface CertOptions {
  /** Default: the server tries every role that trusts the certificate. */
  readonly name?: string
  /** Path of the auth method. Default `cert`. */
  readonly mount?: string
}

/**
 * Login with the client certificate of the connection: `server.tls.cert` and `key`, or their files.
 *
 * `createGateway()` refuses it without such a certificate, and towards an `http:` address.
 *
 * @throws {TypeError} for wrong options.
 * @example
 * createGateway({ server: { tls: { certFile: 'client.pem', keyFile: 'client.key' } }, auth: cert({ name: 'orders' }), … })
 */
export function cert(options: CertOptions = {}): AuthMethod {
  checkNames('cert()', options, ['name', 'mount'])
  const path = `auth/${mountOption(options.mount, 'cert')}/login`
  const name = stringOption('name', options.name, undefined)
  return {
    method: 'cert',
    needsClientCertificate: true,
    login: (context) => logIn(context, 'cert', path, name === undefined ? {} : { name }),
  }
}

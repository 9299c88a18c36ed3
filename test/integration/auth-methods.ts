import type { TestContext } from 'node:test'
import { type AuthMethod, cert, custom, jwt, kubernetes, ldap, type ServerOptions, userpass } from 'portcullis'
import { freePort } from '../../examples/support/free-port.ts'
import { type Certificates, certificates } from '../http/certificates.ts'
import { startTokenReview } from '../support/token-review.ts'
import { createIssuer } from '../support/web-token.ts'
import { type AuditedBao, secretFile, startAuditedBao } from './real.ts'

/** One auth method on the real server. */
export interface MethodUnderTest {
  /** Of the login, in the server's audit. */
  readonly path: string
  readonly good: AuthMethod
  readonly server: ServerOptions
  /** A credential that the server refuses, and how it is presented. */
  readonly bad: AuthMethod
  readonly badServer: ServerOptions
  /** None of these may ever show. */
  readonly secrets: readonly string[]
}

export interface AuthServer {
  readonly bao: AuditedBao
  readonly methods: Readonly<Record<'userpass' | 'ldap' | 'jwt' | 'kubernetes' | 'cert' | 'custom', MethodUnderTest>>
}

const POLICY = { token_policies: ['app'], token_ttl: '1h' }

/** A server that listens on plain HTTP and on TLS, with every auth method of ours that OpenBao has. */
export async function startAuthServer(t: TestContext): Promise<AuthServer> {
  const made = certificates(t)
  const tlsAddress = `127.0.0.1:${await freePort()}`
  const { certFile, keyFile } = made.server
  const listener = `address = "${tlsAddress}"\n  tls_cert_file = "${certFile}"\n  tls_key_file = "${keyFile}"`
  const bao = await startAuditedBao(t, { config: `listener "tcp" {\n  ${listener}\n}` })
  await bao.root('POST', 'secret/data/app', { data: { color: 'green' } })
  await bao.root('PUT', 'sys/policies/acl/app', { policy: 'path "secret/*" { capabilities = ["read", "list"] }' })
  const methods = {
    userpass: await onUserpass(t, bao),
    ldap: await onLdap(bao),
    jwt: await onJwt(t, bao),
    kubernetes: await onKubernetes(t, bao, made),
    cert: await onCert(bao, `https://${tlsAddress}`, made),
    custom: await onCustom(bao),
  }
  return { bao, methods }
}

function plain(bao: AuditedBao): Pick<MethodUnderTest, 'server' | 'badServer'> {
  return { server: { address: bao.address }, badServer: { address: bao.address } }
}

async function onUserpass(t: TestContext, bao: AuditedBao): Promise<MethodUnderTest> {
  const password = 'open sésame "x"'
  await bao.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  await bao.root('POST', 'auth/userpass/users/al', { password, ...POLICY })
  return {
    path: 'auth/userpass/login/al',
    good: userpass({ username: 'al', passwordFile: secretFile(t, `${password}\n`) }),
    bad: userpass({ username: 'al', password: 'wrong-sesame' }),
    ...plain(bao),
    secrets: [password, 'wrong-sesame'],
  }
}

/** OpenBao has no LDAP; its login has the shape of userpass, and the name of another mount. */
async function onLdap(bao: AuditedBao): Promise<MethodUnderTest> {
  await bao.root('POST', 'sys/auth/ldap', { type: 'userpass' })
  await bao.root('POST', 'auth/ldap/users/svc.orders-1', { password: 'ldap-sesame', ...POLICY })
  return {
    path: 'auth/ldap/login/svc.orders-1',
    good: ldap({ username: 'svc.orders-1', password: 'ldap-sesame' }),
    bad: ldap({ username: 'svc.orders-1', password: 'wrong-sesame' }),
    ...plain(bao),
    secrets: ['ldap-sesame', 'wrong-sesame'],
  }
}

async function onJwt(t: TestContext, bao: AuditedBao): Promise<MethodUnderTest> {
  const issuer = createIssuer()
  await bao.root('POST', 'sys/auth/jwt', { type: 'jwt' })
  await bao.root('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [issuer.publicKey] })
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], ...POLICY }
  await bao.root('POST', 'auth/jwt/role/app', role)
  const claims = { sub: 'orders', aud: 'vault' }
  const good = issuer.issue(claims)
  const forged = createIssuer().issue(claims)
  return {
    path: 'auth/jwt/login',
    good: jwt({ role: 'app', jwtFile: secretFile(t, `${good}\n`) }),
    bad: jwt({ role: 'app', jwt: forged }),
    ...plain(bao),
    secrets: [good, forged],
  }
}

async function onKubernetes(t: TestContext, bao: AuditedBao, made: Certificates): Promise<MethodUnderTest> {
  const issuer = createIssuer()
  const account = { name: 'app', uid: 'uid-1' }
  const claims = {
    sub: 'system:serviceaccount:default:app',
    'kubernetes.io': { namespace: 'default', serviceaccount: account },
  }
  const good = issuer.issue(claims)
  const forged = createIssuer().issue(claims)
  const host = await startTokenReview(t, made.server, new Set([good]))
  await bao.root('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
  await bao.root('POST', 'auth/kubernetes/config', {
    kubernetes_host: host,
    kubernetes_ca_cert: made.authority.cert,
    token_reviewer_jwt: issuer.issue({ sub: 'reviewer' }),
    disable_local_ca_jwt: true,
  })
  await bao.root('POST', 'auth/kubernetes/role/app', {
    bound_service_account_names: ['app'],
    bound_service_account_namespaces: ['default'],
    ...POLICY,
  })
  return {
    path: 'auth/kubernetes/login',
    good: kubernetes({ role: 'app', jwtFile: secretFile(t, good) }),
    bad: kubernetes({ role: 'app', jwtFile: secretFile(t, forged) }),
    ...plain(bao),
    secrets: [good, forged],
  }
}

async function onCert(bao: AuditedBao, address: string, made: Certificates): Promise<MethodUnderTest> {
  await bao.root('POST', 'sys/auth/cert', { type: 'cert' })
  await bao.root('POST', 'auth/cert/certs/app', { certificate: made.authority.cert, ...POLICY })
  const { client, stranger } = made
  const tls = { caFile: made.authority.certFile }
  return {
    path: 'auth/cert/login',
    good: cert({ name: 'app' }),
    server: { address, tls: { ...tls, certFile: client.certFile, keyFile: client.keyFile } },
    bad: cert(),
    badServer: { address, tls: { ...tls, cert: stranger.cert, key: stranger.key } },
    secrets: [client.key, stranger.key],
  }
}

async function onCustom(bao: AuditedBao): Promise<MethodUnderTest> {
  await bao.root('POST', 'sys/auth/corporate', { type: 'userpass' })
  await bao.root('POST', 'auth/corporate/users/al', { password: 'own-sesame', ...POLICY })
  const path = 'auth/corporate/login/al'
  const by = (password: string): AuthMethod =>
    custom('corporate', ({ send }) => send({ operation: 'write', path, data: { password } }))
  return {
    path,
    good: by('own-sesame'),
    bad: by('wrong-sesame'),
    ...plain(bao),
    secrets: ['own-sesame', 'wrong-sesame'],
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { unseal } from '../../lib/model/sealed.ts'
import { isExempt } from '../../lib/options/proxy.ts'
import { resolveServer, type ServerConfig, type ServerOptions } from '../../lib/options/server.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nPLANTED-PEM\n-----END CERTIFICATE-----\n'

function resolved(options: ServerOptions = {}, env: Record<string, string> = {}): ServerConfig {
  return resolveServer(options, env)
}

test('without options and environment the field has these defaults', () => {
  assert.deepEqual(
    { ...resolveServer(undefined, {}) },
    {
      address: 'https://127.0.0.1:8200',
      origin: 'https://127.0.0.1:8200',
      prefix: '',
      socketPath: undefined,
      namespace: '',
      namespaces: [''],
      tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false },
      timeoutMs: 60_000,
      maxRetries: 2,
      retryWaitMs: 1000,
      maxResponseBytes: 33_554_432,
      connections: 64,
      proxy: undefined,
      allowedRedirectHosts: ['127.0.0.1:8200'],
      allowH2: false,
      readAfterWrite: 'forward',
    },
  )
})

test('a configuration is frozen at every depth', () => {
  const config = resolved({ tls: { ca: PEM }, proxy: 'http://proxy:3128', namespaces: ['a'] })
  const parts = [config, config.tls, config.tls.ca, config.proxy, config.namespaces, config.allowedRedirectHosts]
  for (const part of parts) assert.ok(Object.isFrozen(part))
})

test('an option wins over BAO_*, and BAO_* over VAULT_*', () => {
  const env = { VAULT_ADDR: 'http://vault', BAO_ADDR: 'http://bao', VAULT_NAMESPACE: 'v', BAO_NAMESPACE: 'b' }
  assert.equal(resolved({ address: 'http://own' }, env).address, 'http://own')
  assert.equal(resolved({}, env).address, 'http://bao')
  assert.equal(resolved({}, { VAULT_ADDR: 'http://vault', BAO_ADDR: '' }).address, 'http://vault')
  assert.equal(resolved({ namespace: '' }, env).namespace, '')
  assert.equal(resolved({}, env).namespace, 'b')
})

test('every variable has its effect', () => {
  const config = resolved(
    {},
    {
      VAULT_ADDR: 'https://vault.example:8200/',
      VAULT_NAMESPACE: '/team-a/sub/',
      VAULT_CACERT: '/ca.pem',
      VAULT_CLIENT_CERT: '/c.pem',
      VAULT_CLIENT_KEY: '/k.pem',
      VAULT_TLS_SERVER_NAME: 'vault.internal',
      VAULT_SKIP_VERIFY: 'T',
      VAULT_CLIENT_TIMEOUT: '1m30s',
      VAULT_MAX_RETRIES: '0',
      VAULT_PROXY_ADDR: 'http://proxy:3128',
    },
  )
  assert.equal(config.address, 'https://vault.example:8200')
  assert.equal(config.namespace, 'team-a/sub')
  assert.deepEqual(config.tls.ca, { kind: 'file', name: 'VAULT_CACERT', path: '/ca.pem' })
  assert.deepEqual(config.tls.cert, { kind: 'file', name: 'VAULT_CLIENT_CERT', path: '/c.pem' })
  assert.deepEqual(config.tls.key, { kind: 'file', name: 'VAULT_CLIENT_KEY', path: '/k.pem' })
  assert.equal(config.tls.serverName, 'vault.internal')
  assert.equal(config.tls.insecureSkipVerify, true)
  assert.equal(config.timeoutMs, 90_000)
  assert.equal(config.maxRetries, 0)
  assert.equal(config.proxy?.host, 'proxy:3128')
})

test('VAULT_CACERT_BYTES wins over VAULT_CACERT; VAULT_CAPATH alone is refused', () => {
  const { ca } = resolved({}, { VAULT_CACERT_BYTES: PEM, VAULT_CACERT: '/ca.pem', VAULT_CAPATH: '/cas' }).tls
  assert.equal(ca?.kind === 'text' && unseal(ca.pem), PEM)
  assert.throws(() => resolved({}, { VAULT_CAPATH: '/cas' }), {
    name: 'RangeError',
    message: /VAULT_CAPATH is not supported/,
  })
  assert.equal(resolved({ tls: { caFile: '/own.pem' } }, { VAULT_CAPATH: '/cas' }).tls.ca?.kind, 'file')
})

test('a client certificate comes whole from one source', () => {
  const env = { VAULT_CLIENT_CERT: '/c.pem', VAULT_CLIENT_KEY: '/k.pem' }
  assert.throws(() => resolved({ tls: { certFile: '/own.pem' } }, env), /needs both a certificate .* and its key/)
  assert.throws(() => resolved({}, { VAULT_CLIENT_CERT: '/c.pem' }), /VAULT_CLIENT_CERT and VAULT_CLIENT_KEY/)
})

test('durations are Go durations or whole seconds', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['90', 90_000],
    ['60s', 60_000],
    ['1h', 3_600_000],
    ['1.5s', 1500],
    ['500ms', 500],
    ['1us', 1],
  ]
  for (const [text, timeoutMs] of cases) assert.equal(resolved({}, { VAULT_CLIENT_TIMEOUT: text }).timeoutMs, timeoutMs)
  for (const text of ['0', '0s', '-1', '1 s', 's', '1x', '25h', '1e3', 'soon']) {
    assert.throws(() => resolved({}, { BAO_CLIENT_TIMEOUT: text }), /BAO_CLIENT_TIMEOUT must be/, text)
  }
})

test('addresses: scheme, socket and prefix are told apart', () => {
  const of = (address: string): readonly unknown[] => {
    const { address: shown, origin, prefix, socketPath } = resolved({ address })
    return [shown, origin, prefix, socketPath]
  }
  assert.deepEqual(of('https://Vault.Example/'), ['https://vault.example', 'https://vault.example', '', undefined])
  assert.deepEqual(of('http://[::1]:8200'), ['http://[::1]:8200', 'http://[::1]:8200', '', undefined])
  assert.deepEqual(of('https://gw/vault/'), ['https://gw/vault', 'https://gw', '/vault', undefined])
  assert.deepEqual(of('unix:///run/bao.sock'), ['unix:///run/bao.sock', 'http://localhost', '', '/run/bao.sock'])
  assert.equal(resolved({ socketPath: '/run/bao.sock' }, { VAULT_ADDR: 'https://x' }).address, 'unix:///run/bao.sock')
})

test('namespaces are put into one form', () => {
  assert.equal(resolved({ namespace: '/' }).namespace, '')
  assert.equal(resolved({ namespace: 'a/' }).namespace, 'a')
  assert.deepEqual(resolved({ namespace: 'a', namespaces: ['/a/b/', 'a', ''] }).namespaces, ['a', 'a/b', ''])
  for (const namespace of ['//', 'a//b', '/a//', 'a/../b', '.', '..', 'a\n', 'a\r\nx: y', 'é', ' a', 'a/./b']) {
    assert.throws(() => resolved({ namespace }), /server\.namespace must/, JSON.stringify(namespace))
    assert.throws(() => resolved({}, { VAULT_NAMESPACE: namespace }), /VAULT_NAMESPACE must/)
  }
})

test('hosts for redirects get the port of the address', () => {
  const hosts = (address: string, ...allowedRedirectHosts: string[]): readonly string[] =>
    resolved({ address, allowedRedirectHosts }).allowedRedirectHosts
  assert.deepEqual(hosts('https://a:8200', 'B.example', 'c:443', '[::1]', '[::1]:80'), [
    'a:8200',
    'b.example:8200',
    'c:443',
    '[::1]:8200',
    '[::1]:80',
  ])
  assert.deepEqual(hosts('https://a', 'b'), ['a:443', 'b:443'])
  for (const host of ['', 'https://b', 'b/c', 'u@b', 'b:x', 'b c'])
    assert.throws(() => hosts('https://a', host), /allowedRedirectHosts\[0\]/)
})

test('what is wrong is refused, by name', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [null, /^server must be an object, got null/],
    [[], /^server must be an object/],
    [{ adress: 'x' }, /^server has no option "adress"/],
    [{ tls: { caCert: PEM } }, /^server\.tls has no option "caCert"/],
    [{ address: 7 }, /^server\.address/],
    [{ address: '' }, /^server\.address/],
    [{ address: 'vault:8200' }, /^server\.address must start with/],
    [{ address: 'ftp://vault' }, /^server\.address must start with/],
    [{ address: 'vault' }, /^server\.address must be a URL/],
    [{ address: 'https://v/v1/' }, /^server\.address must not end in \/v1/],
    [{ address: 'https://v?x=1' }, /^server\.address must not have a query/],
    [{ address: 'unix://relative' }, /^server\.address must be the absolute path/],
    [{ address: 'unix:///a', socketPath: '/b' }, /drop server\.socketPath/],
    [{ socketPath: 'b' }, /^server\.socketPath/],
    [{ socketPath: '/b', proxy: 'http://p' }, /^server\.proxy and a unix socket/],
    [{ namespace: 7 }, /^server\.namespace/],
    [{ namespaces: 'a' }, /^server\.namespaces/],
    [{ namespaces: [7] }, /^server\.namespaces\[0\]/],
    [{ timeoutMs: 0 }, /^server\.timeoutMs/],
    [{ timeoutMs: Infinity }, /^server\.timeoutMs/],
    [{ timeoutMs: 1.5 }, /^server\.timeoutMs/],
    [{ maxRetries: -1 }, /^server\.maxRetries/],
    [{ maxRetries: '2' }, /^server\.maxRetries/],
    [{ retryWaitMs: Number.NaN }, /^server\.retryWaitMs/],
    [{ maxResponseBytes: 10 }, /^server\.maxResponseBytes/],
    [{ connections: 0 }, /^server\.connections/],
    [{ proxy: true }, /^server\.proxy/],
    [{ proxy: 'socks5://p' }, /^server\.proxy must be an http: or https: proxy/],
    [{ allowedRedirectHosts: 'a' }, /^server\.allowedRedirectHosts/],
    [{ allowH2: 1 }, /^server\.allowH2/],
    [{ readAfterWrite: 'yes' }, /^server\.readAfterWrite/],
    [{ tls: { ca: '/ca.pem' } }, /^server\.tls\.ca is no PEM text/],
    [{ tls: { ca: PEM, caFile: '/ca.pem' } }, /^server\.tls\.ca and server\.tls\.caFile exclude/],
    [{ tls: { key: PEM } }, /^server\.tls needs both/],
    [{ tls: { insecureSkipVerify: 'yes' } }, /^server\.tls\.insecureSkipVerify/],
    [{ tls: { serverName: '' } }, /^server\.tls\.serverName/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(
      () => resolveServer(options as ServerOptions, {}),
      (error: Error) => (error instanceof TypeError || error instanceof RangeError) && message.test(error.message),
      String(message),
    )
  }
})

test('a variable that is wrong is refused, by name', () => {
  const wrong: Record<string, string> = {
    VAULT_SKIP_VERIFY: 'yes',
    BAO_MAX_RETRIES: '-1',
    VAULT_MAX_RETRIES: '1000',
    VAULT_ADDR: 'vault',
    VAULT_PROXY_ADDR: 'socks5://p',
  }
  for (const [name, text] of Object.entries(wrong))
    assert.throws(() => resolved({}, { [name]: text }), new RegExp(`^\\w+: ?${name}|${name}`))
})

test('no secret of a configuration can be printed, not even when it is refused', () => {
  const config = resolved({ tls: { cert: PEM, key: PEM }, proxy: 'http://user:PLANTED-PW@proxy' })
  const text = inspect(config, { depth: Infinity, showHidden: true }) + JSON.stringify(config)
  assert.doesNotMatch(text, /PLANTED/)
  for (const options of [
    { address: 'https://u:PLANTED@v' },
    { proxy: 'http://u:PLANTED@[' },
    { tls: { ca: 'PLANTED' } },
  ]) {
    assert.throws(
      () => resolved(options),
      (error: Error) => !inspect(error).includes('PLANTED'),
    )
  }
})

test('proxies are found as Go finds them', () => {
  const proxyOf = (address: string, env: Record<string, string>): string | undefined =>
    resolved({ address }, env).proxy?.host
  const env = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'plain:2', NO_PROXY: 'internal.example' }
  assert.equal(proxyOf('https://vault.example', env), 'secure:1')
  assert.equal(proxyOf('http://vault.example', env), 'plain:2')
  assert.equal(proxyOf('https://a.internal.example', env), undefined)
  assert.equal(proxyOf('https://localhost:8200', env), undefined)
  assert.equal(proxyOf('https://vault.example', { https_proxy: 'http://lower:1' }), 'lower:1')
  assert.equal(proxyOf('https://a.internal.example', { ...env, VAULT_HTTP_PROXY: 'http://own:3' }), 'own:3')
  assert.equal(resolved({ address: 'https://vault.example', proxy: false }, env).proxy, undefined)
  assert.equal(resolved({ address: 'unix:///s' }, env).proxy, undefined)
  assert.throws(() => proxyOf('http://vault.example', { ...env, REQUEST_METHOD: 'GET' }), /CGI/)
})

test('NO_PROXY takes hosts, domains, addresses, blocks and ports', () => {
  const exempt = (address: string, noProxy: string): boolean => isExempt(new URL(address), noProxy)
  const yes: readonly (readonly [string, string])[] = [
    ['https://127.1.2.3', ''],
    ['https://[::1]', ''],
    ['https://LOCALHOST', ''],
    ['https://a.example', '*'],
    ['https://a.example', 'b, a.example'],
    ['https://x.a.example', 'a.example'],
    ['https://x.a.example', '.a.example'],
    ['https://x.a.example', '*.a.example'],
    ['https://a.example', 'a.example:443'],
    ['https://10.1.2.3', '10.0.0.0/8'],
    ['https://10.1.2.3', '10.1.2.3'],
    ['https://10.1.2.3:8200', '10.1.2.3:8200'],
    ['https://[fd00::1]', 'fd00::/8'],
    ['https://[fd00::1]', 'fd00::1'],
  ]
  const no: readonly (readonly [string, string])[] = [
    ['https://a.example', ''],
    ['https://a.example', '.a.example'],
    ['https://xa.example', 'a.example'],
    ['https://a.example', 'a.example:8200'],
    ['https://11.1.2.3', '10.0.0.0/8'],
    ['https://10.1.2.3', '10.0.0.0/99'],
    ['https://10.1.2.3', '0.1.2.3'],
    ['https://a.example', '10.0.0.0/8'],
  ]
  for (const [address, noProxy] of yes) assert.equal(exempt(address, noProxy), true, `${address} ${noProxy}`)
  for (const [address, noProxy] of no) assert.equal(exempt(address, noProxy), false, `${address} ${noProxy}`)
})

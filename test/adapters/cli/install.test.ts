import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createCertificate } from '../../../lib/plugin-host/wire/certificate.ts'
import { scriptPlugin, writePlugin } from '../../plugin-host/install/place.ts'
import { goPlugin, REDIS_PLUGIN } from '../../support/go-plugins.ts'
import { portcullis, temporaryFolder } from './command.ts'
import { startRegistry } from './registry.ts'

interface LockText {
  readonly plugins: readonly Record<string, string>[]
}

const lockIn = (folder: string): LockText => JSON.parse(readFileSync(join(folder, 'plugins.lock.json'), 'utf8'))
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

test('a file: shown on stderr, trusted by --yes, listed, verified, inspected by name, removed', async (t) => {
  const cwd = temporaryFolder(t)
  writePlugin(cwd)
  const installed = await portcullis(['plugin', 'install', './greeter', '--yes'], { cwd })
  assert.equal(installed.code, 0, installed.stderr)
  assert.match(
    installed.stdout,
    /^installed greeter v1\.2\.3 {2}\/.*\/\.portcullis\/plugins\/greeter\/[0-9a-f]{64}\/greeter\n$/,
  )
  assert.match(installed.stderr, /paths without a token \(unauthenticated\)\n {2}open\n/)
  assert.match(installed.stderr, /paths that need sudo \(root\)\n {2}admin\/keys\n/)
  assert.match(installed.stderr, /hello\/.*read/)
  assert.doesNotMatch(installed.stderr, /\u001b/)
  const list = await portcullis(['plugin', 'list'], { cwd })
  assert.equal(list.stdout, 'greeter  v1.2.3  secret  ./greeter\n')
  assert.equal((await portcullis(['plugin', 'verify'], { cwd })).code, 0)
  const inspected = await portcullis(['plugin', 'inspect', 'greeter', '--json'], { cwd })
  assert.equal(JSON.parse(inspected.stdout).sha256, sha256(readFileSync(join(cwd, 'greeter'))))
  const removed = await portcullis(['plugin', 'remove', 'greeter'], { cwd })
  assert.equal(removed.stdout, 'removed greeter v1.2.3\n')
  assert.equal((await portcullis(['plugin', 'list'], { cwd })).stdout, 'nothing is installed\n')
})

test('without --yes and without a terminal a plugin is shown, not trusted and not kept: exit code 3', async (t) => {
  const cwd = temporaryFolder(t)
  writePlugin(cwd)
  const { code, stdout, stderr } = await portcullis(['plugin', 'install', './greeter'], { cwd })
  assert.equal(code, 3)
  assert.equal(stdout, '')
  assert.match(stderr, /unauthenticated/)
  assert.match(stderr, /say --yes after looking at it\n {2}\(ERR_PORTCULLIS_PLUGIN_UNTRUSTED\)\n$/)
  assert.equal(existsSync(join(cwd, 'plugins.lock.json')), false)
})

test('a tampered file fails verify with exit code 4, and install puts it right', async (t) => {
  const cwd = temporaryFolder(t)
  writePlugin(cwd)
  const { stdout } = await portcullis(['plugin', 'install', './greeter', '--yes', '--json'], { cwd })
  const { path } = JSON.parse(stdout).plugins[0]
  rmSync(path, { force: true })
  writeFileSync(path, 'evil')
  const bad = await portcullis(['plugin', 'verify', '--json'], { cwd })
  assert.equal(bad.code, 4)
  assert.deepEqual(
    JSON.parse(bad.stdout).plugins.map(({ state }: { state: string }) => state),
    ['changed'],
  )
  const refused = await portcullis(['plugin', 'register', '--from-lock', '--address', 'http://127.0.0.1:1'], {
    cwd,
    env: { VAULT_TOKEN: 't' },
  })
  assert.equal(refused.code, 4)
  assert.match(refused.stderr, /greeter is changed, not what the lock says/)
  assert.equal((await portcullis(['plugin', 'install'], { cwd })).code, 0)
  assert.equal((await portcullis(['plugin', 'verify'], { cwd })).code, 0)
})

test('npm: integrity is pinned, scripts do not run, the lock restores, other bytes are refused', async (t) => {
  const registry = await startRegistry(t)
  const cwd = temporaryFolder(t)
  const marker = join(cwd, 'script-ran')
  const manifest = {
    ...{ name: '@acme/greeter', version: '1.2.3', scripts: { postinstall: `touch ${marker}` } },
    portcullis: { plugin: { name: 'greeter', type: 'secret', main: 'dist/greeter' } },
  }
  registry.publish(manifest, { 'dist/greeter': scriptPlugin() })
  const env = { npm_config_registry: registry.url, npm_config_cache: join(cwd, 'cache') }
  const args = ['plugin', 'install', 'npm:@acme/greeter@1.2.3', '--yes']
  const installed = await portcullis(args, { cwd, env })
  assert.equal(installed.code, 0, installed.stderr)
  assert.match(installed.stderr, /^npm installs @acme\/greeter@1\.2\.3\n/)
  assert.equal(existsSync(marker), false)
  const [entry] = lockIn(cwd).plugins
  assert.equal(entry?.version, 'v1.2.3')
  assert.equal(entry?.sha256, sha256(scriptPlugin()))
  assert.match(entry?.integrity ?? '', /^sha512-/)

  registry.publish({ ...manifest, version: '1.3.0' }, { 'dist/greeter': scriptPlugin('v1.3.0') })
  const fresh = { ...env, npm_config_cache: join(cwd, 'cache-2') }
  const outdated = await portcullis(['plugin', 'outdated'], { cwd, env: fresh })
  assert.equal(outdated.stdout, 'greeter  v1.2.3  -> v1.3.0\n')

  const store = join(cwd, '.portcullis')
  rmSync(store, { recursive: true })
  assert.equal((await portcullis(['plugin', 'install'], { cwd, env: fresh })).code, 0)
  assert.equal((await portcullis(['plugin', 'verify'], { cwd })).code, 0)

  for (const fits of [true, false]) {
    rmSync(store, { recursive: true })
    registry.tamper('@acme/greeter', '1.2.3', { 'dist/greeter': `${scriptPlugin()}// evil ${fits}\n` }, fits)
    const cache = { ...env, npm_config_cache: join(cwd, `cache-${fits}`) }
    const refused = await portcullis(['plugin', 'install'], { cwd, env: cache })
    assert.equal(refused.code, fits ? 4 : 1, refused.stderr)
    assert.match(refused.stderr, fits ? /another integrity than the lock says/ : /EINTEGRITY/)
    assert.equal(existsSync(join(store, 'plugins', 'greeter')), false)
  }
})

test('npm packages that are no plugins, or lead out of themselves, are refused', async (t) => {
  const registry = await startRegistry(t)
  const cwd = temporaryFolder(t)
  const field = (main: string): object => ({ portcullis: { plugin: { name: 'x', type: 'secret', main } } })
  registry.publish({ name: 'plain', version: '1.0.0' }, {})
  registry.publish({ name: 'out', version: '1.0.0', ...field('../../../etc/passwd') }, {})
  registry.publish({ name: 'absent', version: '1.0.0', ...field('nothing') }, {})
  const options = { cwd, env: { npm_config_cache: join(cwd, 'cache') } }
  for (const [name, message] of [
    ['plain', /plain is no plugin: its package\.json has no \{ "portcullis"/],
    ['out', /leads out of the package/],
    ['absent', /the file nothing of its portcullis field cannot be read/],
    ['none', /404/],
  ] as const) {
    const args = ['plugin', 'install', `npm:${name}@1.0.0`, '--yes', '--registry', registry.url]
    const { code, stderr } = await portcullis(args, options)
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
  assert.equal(existsSync(join(cwd, 'plugins.lock.json')), false)
})

test('go: built from its module, whose sum is pinned; a lock with another sum is refused', async (t) => {
  await goPlugin(t, REDIS_PLUGIN)
  const cwd = temporaryFolder(t)
  const source = `go:github.com/hashicorp/${REDIS_PLUGIN.name}/cmd/${REDIS_PLUGIN.name}@${REDIS_PLUGIN.version}`
  const installed = await portcullis(['plugin', 'install', source, '--yes', '--name', 'redis'], { cwd })
  assert.equal(installed.code, 0, installed.stderr)
  assert.match(installed.stderr, /^go builds /)
  const [entry] = lockIn(cwd).plugins
  assert.deepEqual([entry?.name, entry?.type, entry?.version], ['redis', 'database', 'v0.7.0'])
  assert.match(entry?.integrity ?? '', /^h1:[A-Za-z0-9+/]{43}=$/)
  assert.match(entry?.toolchain ?? '', /^go1\.\d+/)

  const store = join(cwd, '.portcullis')
  rmSync(store, { recursive: true })
  assert.equal((await portcullis(['plugin', 'install'], { cwd })).code, 0)
  assert.equal((await portcullis(['plugin', 'verify'], { cwd })).code, 0)

  rmSync(store, { recursive: true })
  const text = readFileSync(join(cwd, 'plugins.lock.json'), 'utf8')
  writeFileSync(join(cwd, 'plugins.lock.json'), text.replace(/h1:./, 'h1:_'))
  const refused = await portcullis(['plugin', 'install'], { cwd })
  assert.equal(refused.code, 4, refused.stderr)
  assert.match(refused.stderr, /another integrity/)
})

test('go: without a toolchain, and where Go checks nothing, it is refused', async (t) => {
  await goPlugin(t, REDIS_PLUGIN)
  const cwd = temporaryFolder(t)
  const args = ['plugin', 'install', 'go:example.com/x/cmd/y@v1.0.0', '--yes']
  const absent = await portcullis(args, { cwd, env: { PATH: '/nonexistent' } })
  assert.match(absent.stderr, /go is not there/)
  const unchecked = await portcullis(args, { cwd, env: { GOSUMDB: 'off' } })
  assert.match(unchecked.stderr, /Go does not check modules here/)
})

type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

async function startDownloads(t: TestContext, answers: Record<string, Answer>): Promise<{ url: string; ca: string }> {
  const { certPem, keyPem } = await createCertificate()
  const ca = join(temporaryFolder(t), 'ca.pem')
  writeFileSync(ca, certPem)
  const server: Server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const { status, headers = {}, body = '' } = answers[request.url ?? ''] ?? { status: 404 }
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, ca }
}

test('https: the hash is checked before anything is kept; redirects stay https; strangers are not believed', async (t) => {
  const text = scriptPlugin()
  const hash = sha256(text)
  const { url, ca } = await startDownloads(t, {
    '/greeter': { status: 200, body: text },
    '/moved': { status: 302, headers: { location: '/greeter' } },
    '/plain': { status: 302, headers: { location: 'http://127.0.0.1:1/greeter' } },
    '/round': { status: 302, headers: { location: '/round' } },
  })
  const cwd = temporaryFolder(t)
  const install = (path: string, sum: string, env: NodeJS.ProcessEnv = { NODE_EXTRA_CA_CERTS: ca }) =>
    portcullis(['plugin', 'install', `${url}${path}#sha256=${sum}`, '--yes'], { cwd, env })
  const refused = [
    [await install('/greeter', 'b'.repeat(64)), new RegExp(`has the SHA-256 ${hash}, not the one that was asked for`)],
    [await install('/plain', hash), /redirects to what is not https/],
    [await install('/round', hash), /redirects more than 5 times/],
    [await install('/none', hash), /answered with status 404/],
    [await install('/greeter', hash, {}), /cannot be downloaded: (?:DEPTH_ZERO_)?SELF_SIGNED/],
  ] as const
  for (const [{ code, stderr }, message] of refused) {
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
  assert.equal(existsSync(join(cwd, 'plugins.lock.json')), false)
  assert.equal(existsSync(join(cwd, '.portcullis', 'plugins', 'greeter')), false)
  const installed = await install('/moved', hash)
  assert.equal(installed.code, 0, installed.stderr)
  assert.deepEqual(
    lockIn(cwd).plugins.map(({ source }) => source),
    [`${url}/moved#sha256=${hash}`],
  )
  assert.equal(lockIn(cwd).plugins[0]?.name, 'moved')
})

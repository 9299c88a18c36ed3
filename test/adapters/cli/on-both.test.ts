import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { versionedPlugin, writePlugin } from '../../plugin-host/install/place.ts'
import { type Ended, portcullis, temporaryFolder } from './command.ts'
import { type Administered, administered } from './peers.ts'

/** A command, and what comes of it: of a server and of a host alike, unless `host` says otherwise. */
interface Step extends Outcome {
  /** `{command}` stands for the file of the plugin `again`. */
  readonly args: readonly string[]
  readonly host?: Outcome & { readonly because: string }
  readonly env?: NodeJS.ProcessEnv
  readonly before?: () => void
  /** The version that a mount answers afterwards. */
  readonly runs?: readonly [mount: string, version: string]
}

interface Outcome {
  /** Of stdout, whole. */
  readonly out?: string
  /** Of stderr; it failed with code 1. */
  readonly fails?: RegExp
}

const OF_EACH = /[0-9a-f]{64}/g

/** What `step` gives `peer`. The hash of a file is a matter of course. */
async function run(peer: Administered, step: Step, at: { readonly cwd: string; readonly command: string }) {
  const directory = step.args.includes('--from-lock') && peer.pluginDirectory
  const more = directory ? ['--plugin-directory', directory] : []
  const args = [...step.args, ...more].map((arg) => arg.replace('{command}', at.command))
  const env = { VAULT_ADDR: peer.address, VAULT_TOKEN: peer.token, ...step.env }
  const ended = await portcullis(['plugin', ...args], { cwd: at.cwd, env })
  assert.ok(!(ended.stdout + ended.stderr).includes(peer.token), 'a token is told')
  return ended
}

function check(peer: Administered, step: Step, { code, stdout, stderr }: Ended): void {
  const { out, fails } = peer.name === 'host' && step.host !== undefined ? step.host : step
  const what = `${peer.name}: ${step.args.join(' ')}: ${stdout}${stderr}`
  if (fails !== undefined) {
    assert.equal(code, 1, what)
    assert.match(stderr, fails, what)
    assert.equal(stdout, '', what)
    return
  }
  assert.equal(code, 0, what)
  if (out !== undefined) assert.equal(stdout.replaceAll(OF_EACH, '<sha256>'), out, what)
}

test('every operation, on a real bao and on our own host: the same command, the same outcome', async (t) => {
  const cwd = temporaryFolder(t)
  const broken = join(cwd, 'broken')
  const peers = await administered(t)
  for (const [name, type, version] of PLUGINS) {
    const file = writePlugin(cwd, name, versionedPlugin(type, version))
    const { code, stderr } = await portcullis(['plugin', 'install', `./${name}`, '--yes'], { cwd })
    assert.equal(code, 0, stderr)
    if (name === 'greeter' && version === 'v1.9.0') copyFileSync(file, join(cwd, 'again'))
  }
  const sha256 = createHash('sha256')
    .update(readFileSync(join(cwd, 'again')))
    .digest('hex')
  const commands = peers.map(({ pluginDirectory }) => {
    if (pluginDirectory === undefined) return join(cwd, 'again')
    copyFileSync(join(cwd, 'again'), join(pluginDirectory, 'again'))
    chmodSync(join(pluginDirectory, 'again'), 0o755)
    return 'again'
  })
  let count = 0
  const all = async (steps: readonly Step[]): Promise<void> => {
    for (const step of steps) {
      step.before?.()
      const ended = await Promise.all(peers.map((peer, at) => run(peer, step, { cwd, command: commands[at] ?? '' })))
      for (const [at, peer] of peers.entries()) {
        check(peer, step, ended[at] ?? { code: null, stdout: '', stderr: '' })
        if (step.runs === undefined) continue
        const [mount, version] = step.runs
        assert.equal((await peer.call('GET', `${mount}version`)).data.version, version, `${peer.name}: ${mount}`)
      }
      if (step.host === undefined) {
        const [first, second] = ended.map(({ code, stdout }) => ({ code, stdout }))
        assert.deepEqual(second, first, step.args.join(' '))
      }
      count += 1
    }
  }

  await all(registering(sha256, broken))
  for (const { call } of peers) {
    await call('POST', 'sys/mounts/greeter', { type: 'greeter', config: { plugin_version: 'v1.9.0' } })
    await call('POST', 'sys/mounts/deep/er', { type: 'greeter', config: { plugin_version: 'v1.9.0' } })
    await call('POST', 'sys/auth/door', { type: 'door', config: { plugin_version: 'v1.0.0' } })
  }
  await all(versions())
  await all(refusals(() => writeFileSync(broken, 'v1.11.0')))
  await all(pins())
  t.diagnostic(`${count} commands, each on both`)
})

const PLUGINS = [
  ['greeter', 'secret', 'v1.9.0'],
  ['greeter', 'secret', 'v1.10.0'],
  ['greeter', 'secret', 'v1.11.0'],
  ['door', 'auth', 'v1.0.0'],
  ['door', 'auth', 'v2.0.0'],
] as const

function registering(sha256: string, broken: string): readonly Step[] {
  const again = ['register', 'again', '--type', 'secret', '--command', '{command}']
  return [
    { args: ['list', '--server'], out: 'the catalog has no plugins but built-in ones\n' },
    {
      args: ['register', '--from-lock', '--env', `GREETER_BROKEN=${broken}`],
      out: PLUGINS.map(([name, type, version]) => `registered ${name} ${version} (${type})  <sha256>\n`)
        .sort((a, b) => PLUGIN_ORDER.indexOf(a.split(' ')[1] ?? '') - PLUGIN_ORDER.indexOf(b.split(' ')[1] ?? ''))
        .join(''),
    },
    { args: ['register', 'door@v1.0.0', '--from-lock'], out: 'registered door v1.0.0 (auth)  <sha256>\n' },
    { args: [...again, '--sha256', sha256, '--arg', '-x'], out: 'registered again (secret)  <sha256>\n' },
    {
      args: [...again, '--sha256', sha256, '--version', 'v9.0.0'],
      fails: /version \(v1\.9\.0\) did not match requested version \(v9\.0\.0\)/,
    },
    {
      args: [...again, '--sha256', '0'.repeat(64), '--version', 'v1.9.0'],
      out: 'registered again v1.9.0 (secret)  <sha256>\n',
      host: {
        because: 'a server looks at the file when it is mounted, a host before it takes it',
        fails: /the SHA-256 of .* differs/,
      },
    },
    {
      args: [...again, '--sha256', sha256, '--version', 'v1.9.0'],
      out: 'registered again v1.9.0 (secret)  <sha256>\n',
    },
  ]
}

const PLUGIN_ORDER = ['door', 'greeter']

function versions(): readonly Step[] {
  return [
    {
      args: ['upgrade', 'greeter', 'v1.10.0'],
      out: 'greeter/ runs greeter v1.10.0, was v1.9.0\n',
      runs: ['greeter/', 'v1.10.0'],
    },
    {
      args: ['upgrade', 'deep/er/', '1.10.0'],
      out: 'deep/er/ runs greeter v1.10.0, was v1.9.0\n',
      runs: ['deep/er/', 'v1.10.0'],
    },
    {
      args: ['rollback', 'greeter/'],
      out: 'greeter/ runs greeter v1.9.0, was v1.10.0\n',
      runs: ['greeter/', 'v1.9.0'],
    },
    {
      args: ['rollback', '/deep/er', '--to', 'v1.9.0'],
      out: 'deep/er/ runs greeter v1.9.0, was v1.10.0\n',
      runs: ['deep/er/', 'v1.9.0'],
    },
    {
      args: ['upgrade', 'auth/door', 'v2.0.0'],
      out: 'auth/door/ runs door v2.0.0, was v1.0.0\n',
      runs: ['auth/door/', 'v2.0.0'],
    },
    {
      args: ['rollback', 'auth/door/'],
      out: 'auth/door/ runs door v1.0.0, was v2.0.0\n',
      runs: ['auth/door/', 'v1.0.0'],
    },
    { args: ['reload', 'greeter'], out: 'reloaded greeter\n', runs: ['greeter/', 'v1.9.0'] },
    { args: ['reload', '--mount', 'auth/door'], out: 'reloaded auth/door\n', runs: ['auth/door/', 'v1.0.0'] },
    { args: ['list', '--server'], out: LISTED },
    { args: ['list', '--server', '--json'] },
    { args: ['upgrade', 'deep/er', 'v1.10.0', '--json'], runs: ['deep/er/', 'v1.10.0'] },
  ]
}

const LISTED = `\
door     v1.0.0   auth      auth/door/
door     v2.0.0   auth
again    v1.9.0   secret
greeter  v1.9.0   secret    deep/er/ greeter/
greeter  v1.10.0  secret
greeter  v1.11.0  secret
`

function refusals(breakIt: () => void): readonly Step[] {
  return [
    {
      args: ['upgrade', 'greeter', 'v9.9.9'],
      fails: /status 400: .*plugin not found in the catalog: greeter, version=v9\.9\.9/,
    },
    { args: ['upgrade', 'greeter', 'nonsense'], fails: /version "nonsense" is not a valid semantic version/ },
    { args: ['upgrade', 'nothing', 'v1.0.0'], fails: /there is no mount "nothing\/"; there are .*greeter\// },
    {
      args: ['rollback', 'greeter'],
      fails: /the catalog has no version of greeter before v1\.9\.0: give one with --to/,
    },
    { args: ['rollback', 'greeter', '--to', 'v1.8.0'], fails: /greeter, version=v1\.8\.0/ },
    { args: ['reload', 'nothing'], fails: /status 400: .*nothing/ },
    { args: ['reload', '--mount', 'nothing'], fails: /status 400: .*cannot fetch mount entry on "nothing\/"/ },
    { args: ['list', '--server'], fails: /status 403: permission denied/, env: { VAULT_TOKEN: 'hvs.wrong' } },
    {
      args: ['upgrade', 'greeter', 'v1.11.0'],
      before: breakIt,
      runs: ['greeter/', 'v1.9.0'],
      fails: /greeter\/ did not come up with v1\.11\.0, and was set back: POST sys\/plugins\/reload\/backend: status/,
    },
  ]
}

function pins(): readonly Step[] {
  const because = 'OpenBao has no pins'
  const none = /this server has no pins \(OpenBao has none\): use portcullis plugin upgrade/
  const fails = (why: RegExp): Partial<Step> => ({ fails: none, host: { because, fails: why } })
  const says = (out: string): Partial<Step> => ({ fails: none, host: { because, out } })
  const pinned = /is pinned to version v1\.10\.0: delete the pin first/
  return [
    { args: ['pin', 'greeter', 'v9.9.9'], ...fails(/plugin not found in the catalog: greeter, version=v9\.9\.9/) },
    { args: ['pin', 'door', 'v1.0.0'], ...fails(/plugin not found in the catalog: door/) },
    { args: ['pin', 'greeter', 'v1.10.0'], ...says('greeter is pinned to v1.10.0; reload it to have it run\n') },
    {
      args: ['pin', 'door', 'v2.0.0', '--type', 'auth'],
      ...says('door is pinned to v2.0.0; reload it to have it run\n'),
    },
    { args: ['reload', 'greeter'], out: 'reloaded greeter\n' },
    {
      args: ['upgrade', 'greeter', 'v1.9.0'],
      out: 'greeter/ runs greeter v1.9.0, was v1.9.0\n',
      host: { because, fails: pinned },
    },
    { args: ['pin', 'greeter', '--remove'], ...says('greeter is pinned no more; reload it to have it run\n') },
    { args: ['reload', '--mount', 'greeter'], out: 'reloaded greeter\n', runs: ['greeter/', 'v1.9.0'] },
    { args: ['pin', 'greeter', '--remove'], ...says('greeter is pinned no more; reload it to have it run\n') },
  ]
}

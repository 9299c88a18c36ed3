import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scriptPlugin, writePlugin } from '../../plugin-host/install/place.ts'
import { startBaoWithPlugins } from '../../support/bao-plugins.ts'
import { portcullis, temporaryFolder } from './command.ts'

test('on a real bao: installed, registered by the lock, upgraded, rolled back, reloaded, listed', async (t) => {
  const { bao, folder } = await startBaoWithPlugins(t)
  const cwd = temporaryFolder(t)
  const env = { VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken }
  const done = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await portcullis(['plugin', ...args], { cwd, env })
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  for (const version of ['v1.9.0', 'v1.10.0']) {
    writePlugin(cwd, 'greeter', scriptPlugin(version))
    await done('install', './greeter', '--yes')
  }
  const registered = await done('register', '--from-lock', '--plugin-directory', folder)
  assert.match(registered, /^registered greeter v1\.9\.0 \(secret\) {2}[0-9a-f]{64}\nregistered greeter v1\.10\.0 /)
  await bao.root('POST', 'sys/mounts/greeter', { type: 'greeter', config: { plugin_version: 'v1.9.0' } })
  assert.equal((await bao.root('GET', 'greeter/hello/you')).body.data.text, 'hello you')

  assert.equal(await done('upgrade', 'greeter', 'v1.10.0'), 'greeter/ runs greeter v1.10.0, was v1.9.0\n')
  assert.equal(await done('rollback', 'greeter/'), 'greeter/ runs greeter v1.9.0, was v1.10.0\n')
  assert.equal(await done('reload', 'greeter'), 'reloaded greeter\n')
  assert.equal(await done('reload', '--mount', 'greeter'), 'reloaded greeter\n')
  assert.equal((await bao.root('GET', 'greeter/hello/you')).body.data.text, 'hello you')

  const { plugins } = JSON.parse(await done('list', '--server', '--json'))
  assert.deepEqual(
    plugins.map(({ name, version, mounts }: Record<string, unknown>) => [name, version, mounts]),
    [
      ['greeter', 'v1.9.0', ['greeter/']],
      ['greeter', 'v1.10.0', []],
    ],
  )
})

test('on a real bao: what cannot be done is said, and nothing has changed', async (t) => {
  const { bao, folder } = await startBaoWithPlugins(t)
  const cwd = temporaryFolder(t)
  const env = { VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken }
  writePlugin(cwd, 'greeter', scriptPlugin('v1.0.0'))
  mkdirSync(join(cwd, 'empty'))
  const failed = async (args: readonly string[], message: RegExp, more: NodeJS.ProcessEnv = {}): Promise<void> => {
    const { code, stderr } = await portcullis(['plugin', ...args], { cwd, env: { ...env, ...more } })
    assert.equal(code, 1, stderr)
    assert.match(stderr, message)
    assert.equal(stderr.includes(bao.rootToken), false)
  }
  await portcullis(['plugin', 'install', './greeter', '--yes'], { cwd })
  await failed(['register', '--from-lock'], /a server other than a portcullis host needs --plugin-directory/)
  assert.equal(
    (await portcullis(['plugin', 'register', '--from-lock', '--plugin-directory', folder], { cwd, env })).code,
    0,
  )
  await bao.root('POST', 'sys/mounts/greeter', { type: 'greeter' })
  await failed(['upgrade', 'greeter', 'v9.9.9'], /v9\.9\.9/)
  await failed(['upgrade', 'nothing', 'v1.0.0'], /there is no mount "nothing\/"; there are .*greeter\//)
  await failed(['rollback', 'greeter'], /the catalog has no version of greeter before v1\.0\.0: give one with --to/)
  await failed(['reload', 'nothing'], /status 400|status 404/)
  await failed(['pin', 'greeter', 'v1.0.0'], /this server has no pins/)
  await failed(['list', '--server'], /status 403/, { VAULT_TOKEN: 'hvs.wrong' })
  assert.equal((await bao.root('GET', 'greeter/hello/you')).body.data.text, 'hello you')
})

import assert from 'node:assert/strict'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findTools } from '../../../lib/plugin-host/process/tools.ts'
import { writePlugin } from '../../plugin-host/install/place.ts'
import { goPlugin, KV_PLUGIN } from '../../support/go-plugins.ts'
import { portcullis, temporaryFolder } from './command.ts'

const TOOLS = await findTools()
const IS_ROOT = process.getuid?.() === 0

/** Why a level cannot be tried here; in CI nothing is left out. */
function missing(level: string): string | false {
  if (!['', '0', 'false'].includes(process.env.CI ?? '')) return false
  if (level === 'uid' && (!IS_ROOT || TOOLS.setpriv === undefined)) return 'needs root and setpriv'
  return level === 'sandbox' && TOOLS.bwrap === undefined ? 'needs bwrap' : false
}

for (const level of ['uid', 'sandbox'])
  test(`inspect --isolation ${level}: an unknown Go plugin says the same of itself as without`, {
    skip: missing(level),
  }, async (t) => {
    const cwd = temporaryFolder(t)
    cpSync(await goPlugin(t, KV_PLUGIN), join(cwd, 'kv'))
    const told = async (isolation: string): Promise<unknown> => {
      const { code, stdout, stderr } = await portcullis(['plugin', 'inspect', './kv', '--isolation', isolation], {
        cwd,
      })
      assert.equal(code, 0, stderr)
      return stdout
    }
    assert.equal(await told(level), await told('crash'))
    const installed = await portcullis(['plugin', 'install', './kv', '--yes', '--isolation', level], { cwd })
    assert.equal(installed.code, 0, installed.stderr)
    assert.match(installed.stdout, /^installed kv /)
  })

/** What a file that is no plugin could see and leave behind while it was looked at. */
const SEEN: Readonly<Record<string, readonly [who: RegExp, hadTreasure: boolean] | undefined>> = {
  crash: [IS_ROOT ? /^0$/ : /^\d+$/, true],
  uid: [/^19\d{8}$/, false],
  // Its `/tmp` is its own: nothing of what it wrote is there afterwards.
  sandbox: undefined,
}

for (const [level, seen] of Object.entries(SEEN))
  test(`inspect --isolation ${level} keeps to that level from the first line that is run`, {
    skip: missing(level),
  }, async (t) => {
    const cwd = temporaryFolder(t)
    // Everyone may go through the folder of the test, and leave something in one below.
    chmodSync(cwd, 0o755)
    const out = join(cwd, 'out')
    mkdirSync(out)
    chmodSync(out, 0o777)
    writeFileSync(join(cwd, 'treasure'), 'treasure', { mode: 0o600 })
    writePlugin(cwd, 'nosy', `#!/bin/sh\nid -u > ${out}/seen; cat ${cwd}/treasure >> ${out}/seen; exit 1\n`)
    const args = ['plugin', 'inspect', './nosy', '--isolation', level, '--type', 'secret']
    const { code, stderr } = await portcullis(args, { cwd })
    assert.equal(code, 1, stderr)
    assert.match(stderr, /\(ERR_PORTCULLIS_PLUGIN_START\)\n$/)
    assert.equal(existsSync(join(out, 'seen')), seen !== undefined)
    if (seen === undefined) return
    const [who, hadTreasure] = seen
    const [uid = '', loot = ''] = readFileSync(join(out, 'seen'), 'utf8').split('\n')
    assert.match(uid, who)
    assert.equal(loot.includes('treasure'), hadTreasure)
  })

test('a level that there is not is wrong usage, before anything is run', async (t) => {
  const cwd = temporaryFolder(t)
  writePlugin(cwd, 'nosy', `#!/bin/sh\ntouch ${cwd}/ran\n`)
  for (const command of [
    ['inspect', './nosy'],
    ['install', './nosy', '--yes'],
  ]) {
    const { code, stderr } = await portcullis(['plugin', ...command, '--isolation', 'strong'], { cwd })
    assert.equal(code, 2)
    assert.match(stderr, /--isolation must be crash, uid or sandbox, not "strong"/)
  }
  assert.equal(existsSync(join(cwd, 'ran')), false)
})

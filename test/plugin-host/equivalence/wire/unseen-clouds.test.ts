import { type TestContext, test } from 'node:test'
import { goPlugin } from '../../../support/go-plugins.ts'
import { BACKENDS, DATABASES } from '../../unseen/plugins.ts'
import { cloudScript } from './clouds.ts'
import { everyPath } from './every-path.ts'
import { ask, runScript, type Step } from './script.ts'
import { twoSides } from './sides.ts'

// More plugins that nothing here was written for: those of clouds. They take half an hour to build; with `SOAK=1` alone.

/** Whose configuration OpenBao cannot serve: see `rotating`. */
const ROTATING = ['vault-plugin-secrets-azure', 'vault-plugin-secrets-gcp', 'vault-plugin-auth-gcp']

const IS_SOAK = process.env.SOAK === '1'

for (const [type, plugin] of IS_SOAK ? BACKENDS : [])
  test(`${plugin.name} answers behind a host as behind a server, path by path`, async (t) => {
    const sides = await twoSides(t, { unseen: [type, await goPlugin(t, plugin)] })
    const [root, at] = type === 'auth' ? ['auth/x', 'sys/auth/x'] : ['x', 'sys/mounts/x']
    await runScript(t, sides, [ask('POST', at, { type: 'unseen' }), ask('GET', `${root}?help=1`), ask('GET', at)])
    const isServed = ({ path }: Step): boolean =>
      !ROTATING.includes(plugin.name) || path.includes('?') || !path.startsWith(`${root}/config`)
    const steps = (await everyPath(sides[0], root)).filter(isServed)
    await runScript(t, sides, [...steps, ask('POST', 'sys/plugins/reload/backend', { plugin: 'unseen' }), ...steps])
    await runScript(t, sides, [ask('DELETE', at), ask('GET', at)])
  })

async function configured(t: TestContext): Promise<void> {
  const programs: Record<string, readonly ['secret' | 'auth' | 'database', string]> = {}
  for (const [type, plugin] of [...BACKENDS, ...DATABASES])
    programs[plugin.name.replace('vault-plugin-', '')] = [type, await goPlugin(t, plugin)]
  await runScript(t, await twoSides(t, programs), cloudScript())
}

if (IS_SOAK) test('plugins of clouds are configured, listed and refused behind a host as behind a server', configured)

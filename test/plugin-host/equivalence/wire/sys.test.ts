import { test } from 'node:test'
import { goPlugin, VAULT_MOCK } from '../../../support/go-plugins.ts'
import { runScript } from './script.ts'
import { twoSides } from './sides.ts'
import { sysScript } from './sys.ts'

test('a host is administered as a server is', async (t) => {
  const sides = await twoSides(t, { mock: ['secret', await goPlugin(t, VAULT_MOCK)] })
  await runScript(t, sides, sysScript())
})

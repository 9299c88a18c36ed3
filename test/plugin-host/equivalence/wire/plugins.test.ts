import { test } from 'node:test'
import { goPlugin, JWT_PLUGIN, KV_PLUGIN, TERRAFORM_PLUGIN } from '../../../support/go-plugins.ts'
import { createIssuer } from '../../../support/web-token.ts'
import { jwtScript } from './jwt.ts'
import { kv1Script, kv2Script } from './kv.ts'
import { ask, runScript } from './script.ts'
import { twoSides } from './sides.ts'
import { UPGRADED } from './sys.ts'
import { terraformScript } from './terraform.ts'
import { startTerraformApi } from './terraform-api.ts'

test('the Go kv plugin answers behind a host as behind a server', async (t) => {
  const sides = await twoSides(t, { vkv: ['secret', await goPlugin(t, KV_PLUGIN)] })
  await runScript(t, sides, [
    ask('POST', 'sys/mounts/one', { type: 'vkv' }),
    ...kv1Script('one'),
    ask('POST', 'sys/mounts/two', { type: 'vkv', options: { version: '2' } }),
    ask('POST', 'sys/mounts/two', { type: 'vkv' }),
    ask('POST', 'sys/mounts/two/tune', { options: { version: '2' } }, UPGRADED),
    ask('POST', 'sys/plugins/reload/backend', { mounts: ['two/'] }),
    ...kv2Script('two'),
  ])
})

test('the Go terraform plugin answers behind a host as behind a server', async (t) => {
  const apis = [await startTerraformApi(t), await startTerraformApi(t)]
  const sides = await twoSides(t, { terraform: ['secret', await goPlugin(t, TERRAFORM_PLUGIN)] })
  for (const [at, { kept }] of sides.entries()) kept.set('api', apis[at]?.address ?? '')
  await runScript(t, sides, [ask('POST', 'sys/mounts/tf', { type: 'terraform' }), ...terraformScript(apis)])
})

test('the Go jwt plugin answers behind a host as behind a server', async (t) => {
  const sides = await twoSides(t, { jwt: ['auth', await goPlugin(t, JWT_PLUGIN)] })
  await runScript(t, sides, [ask('POST', 'sys/auth/jwt', { type: 'jwt' }), ...jwtScript(createIssuer())])
})

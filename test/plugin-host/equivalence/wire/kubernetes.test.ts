import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goPlugin, KUBERNETES_PLUGIN } from '../../../support/go-plugins.ts'
import { startKubernetesApi } from '../../../support/kubernetes-api.ts'
import { kubernetesScript } from './kubernetes.ts'
import { ask, runScript } from './script.ts'
import { twoSides } from './sides.ts'

test('the Go kubernetes plugin answers behind a host as behind a server, and asks the same of its API', async (t) => {
  const apis = [await startKubernetesApi(t), await startKubernetesApi(t)]
  const sides = await twoSides(t, { kubernetes: ['secret', await goPlugin(t, KUBERNETES_PLUGIN)] })
  for (const [at, { kept }] of sides.entries()) kept.set('api', apis[at]?.address ?? '')
  await runScript(t, sides, [ask('POST', 'sys/mounts/k', { type: 'kubernetes' }), ...kubernetesScript('k', apis)])
  assert.ok((apis[0]?.log.length ?? 0) > 20)
  assert.deepEqual(apis[1]?.log, apis[0]?.log)
  assert.deepEqual(apis[1]?.objects(), apis[0]?.objects())
  t.diagnostic(`${apis[0]?.log.length} requests to the API, the same from both`)
})

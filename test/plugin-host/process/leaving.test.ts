import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGING_MOCK, goPlugin } from '../../support/go-plugins.ts'
import { CALL, entryOf, mountOf, processesNaming, request, rig, servicesOf } from './plugins-for-test.ts'

test('a Go plugin that asks its connections to leave is called on without a failure, and never started anew', async (t) => {
  const { plugins, folder, warnings } = rig(t)
  const entry = entryOf(await goPlugin(t, AGING_MOCK), { name: 'aging' })
  const backend = await plugins.backend(entry, mountOf('m/'), servicesOf())
  const pids = processesNaming(`${folder}/artefacts`)
  const endsAtMs = performance.now() + 5_500
  let calls = 0
  const caller = async (name: string): Promise<void> => {
    for (let round = 0; performance.now() < endsAtMs; round += 1) {
      await backend.handle(request('update', `kv/${name}`, { value: `${round}` }), CALL)
      const { response, error } = await backend.handle(request('read', `kv/${name}`), CALL)
      assert.equal(error, undefined)
      assert.equal(JSON.parse(response?.data ?? '').value, `${round}`)
      calls += 2
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(caller))
  t.diagnostic(`${calls} calls over connections that live 1.5 s`)
  assert.deepEqual(processesNaming(`${folder}/artefacts`), pids)
  assert.deepEqual(warnings, [])
})

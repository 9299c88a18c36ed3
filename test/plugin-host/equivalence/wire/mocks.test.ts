import { test } from 'node:test'
import { goPlugin, OPENBAO_MOCK, VAULT_MOCK } from '../../../support/go-plugins.ts'
import { mockScript } from './mock.ts'
import { ask, differs, runScript } from './script.ts'
import { twoSides } from './sides.ts'

const NO_ROTATION =
  'error deregistering rotation job: rpc error: code = Unimplemented desc = unknown method DeregisterRotationJob for service pb.SystemView'

test('the mock backend of the SDK of Vault answers behind a host as behind a server', async (t) => {
  const sides = await twoSides(t, { mock: ['secret', await goPlugin(t, VAULT_MOCK)] })
  const because = 'OpenBao does not serve the calls of Vault for rotation'
  const config = differs(because, { status: 400, errors: [NO_ROTATION] }, { status: 204 })
  await runScript(t, sides, [ask('POST', 'sys/mounts/mock', { type: 'mock' }), ...mockScript('mock', config)])
})

test('the mock backend of the SDK of OpenBao answers behind a host as behind a server', async (t) => {
  const sides = await twoSides(t, { mock: ['secret', await goPlugin(t, OPENBAO_MOCK)] })
  await runScript(t, sides, [ask('POST', 'sys/mounts/mock', { type: 'mock' }), ...mockScript('mock')])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatewayOver, startHost } from '../../integration/plugin-host-world.ts'
import { type GoPlugin, goPlugin } from '../../support/go-plugins.ts'
import { startLdapServer } from '../../support/ldap-server.ts'
import { sha256Of } from '../../support/sha256.ts'
import { until } from './until.ts'

// Takes a minute to build and half a minute to run, on clocks of the plugin's own: with `SOAK=1` alone.

const OPENLDAP: GoPlugin = { name: 'vault-plugin-secrets-openldap', version: 'v0.17.0' }
const ALL = { policy: 'all', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] }
const DN = 'cn=app,dc=example,dc=org'

if (process.env.SOAK === '1')
  test('the Go openldap plugin rotates by its own clock; a rotation that failed is taken up from its write-ahead log, also by another host', async (t) => {
    const command = await goPlugin(t, OPENLDAP)
    const ldap = await startLdapServer(t)
    const it = await startHost(t, {
      plugins: [{ name: 'openldap', type: 'secret', command, sha256: sha256Of(command) }],
      mounts: { ldap: { type: 'openldap' } },
    })
    const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
    await gateway.write('ldap/config', { url: ldap.url, binddn: 'cn=admin', bindpass: 'x', schema: 'openldap' })
    await gateway.write('ldap/static-role/app', { dn: DN, username: 'app', rotation_period: '5s' })
    const now = async (through = gateway): Promise<unknown> =>
      (await through.read('ldap/static-cred/app')).data.password
    assert.equal(ldap.changes.length, 1)
    assert.deepEqual(ldap.changes.at(-1), [DN, await now()])
    await until('two rotations by its own clock', () => ldap.changes.length >= 3)
    assert.equal(ldap.changes.at(-1)?.[1], await now())

    ldap.fail(true)
    const tried = ldap.tried()
    await until('rotations that fail', () => ldap.tried() > tried + 1)
    const before = await now()
    assert.equal(ldap.changes.at(-1)?.[1], before, 'what is not set is not told')
    await assert.rejects(gateway.write('ldap/rotate-role/app', {}))

    await it.restart()
    const { gateway: again } = await gatewayOver(t, it.host, { policies: [ALL] })
    assert.equal(await now(again), before)
    ldap.fail(false)
    const count = ldap.changes.length
    await until('it is set at last', () => ldap.changes.length > count)
    await until('and told', async () => (await now(again)) === ldap.changes.at(-1)?.[1])
    assert.notEqual(await now(again), before)
    await again.close()
    t.diagnostic(`${ldap.changes.length} passwords set in ${ldap.tried()} tries`)
  })

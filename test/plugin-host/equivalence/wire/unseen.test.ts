import { test } from 'node:test'
import { type GoPlugin, goPlugin } from '../../../support/go-plugins.ts'
import { ask, runScript, type Side, type Step } from './script.ts'
import { twoSides } from './sides.ts'

// Plugins that nothing here was written for. They take minutes to build: `SOAK=1`.

const PLUGINS: readonly (readonly ['secret' | 'auth', GoPlugin])[] = [
  ['secret', { name: 'vault-plugin-secrets-openldap', version: 'v0.17.0' }],
  ['secret', { name: 'vault-plugin-secrets-alicloud', version: 'v0.21.0' }],
  ['auth', { name: 'vault-plugin-auth-kubernetes', version: 'v0.23.1' }],
  ['auth', { name: 'vault-plugin-auth-kerberos', version: 'v0.17.1' }],
]

for (const [type, plugin] of PLUGINS) {
  test(`${plugin.name} answers behind a host as behind a server, path by path`, {
    skip: process.env.SOAK === '1' ? false : 'SOAK=1 runs it',
  }, async (t) => {
    const sides = await twoSides(t, { unseen: [type, await goPlugin(t, plugin)] })
    const [root, at] = type === 'auth' ? ['auth/x', 'sys/auth/x'] : ['x', 'sys/mounts/x']
    await runScript(t, sides, [ask('POST', at, { type: 'unseen' }), ask('GET', `${root}?help=1`), ask('GET', at)])
    const paths = await pathsOf(sides[0], root)
    const steps = paths.flatMap((path) => everything(`${root}${path.replaceAll(/\{[^}]*\}/g, 'one')}`))
    await runScript(t, sides, [...steps, ask('POST', 'sys/plugins/reload/backend', { plugin: 'unseen' }), ...steps])
    await runScript(t, sides, [ask('DELETE', at), ask('GET', at)])
  })
}

/** What the plugin itself says that it has. */
async function pathsOf({ peer }: Side, root: string): Promise<readonly string[]> {
  const { body } = await peer.send({ method: 'GET', path: `${root}?help=1` })
  return Object.keys((body as { readonly openapi: { readonly paths: object } }).openapi.paths)
}

function everything(path: string): readonly Step[] {
  return [
    ask('GET', `${path}?help=1`),
    ask('GET', path),
    ask('GET', path, undefined, { token: '' }),
    ask('LIST', path),
    ...(path.endsWith('/')
      ? []
      : [ask('POST', path, {}), ask('POST', path, { name: 'one', unknown: 1 }), ask('PATCH', path, {})]),
    ask('GET', path),
    ask('DELETE', path),
  ]
}

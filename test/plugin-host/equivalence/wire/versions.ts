import type { Difference } from './difference.ts'
import { ask, differs, type Step } from './script.ts'

const [OLD, NEW] = ['v1.9.0', 'v1.10.0']
const MORE = 'a server comes with many more plugins'
const NO_PINS = 'Vault has pins, OpenBao has none'
const NO_ARGS: Pick<Step, 'differs'> = {
  differs: { because: 'no arguments are told as none; clients read both alike', in: [['body.data.args', [], null]] },
}
const NOTHING = { status: 404, errors: ['1 error occurred:\n\t* unsupported path\n\n'] }
const BUILTIN_VERSIONS: readonly Difference[] = [
  ['body.data.version', 'v2.7.2+builtin.bao', 'v0.1.0+builtin.portcullis'],
]

/** Versions of one plugin: registered, mounted, tuned, reloaded, removed. Programs of the two are kept as `old` and `new`. */
export function versionsScript(): readonly Step[] {
  return [...catalog(), ...mounts(), ...reloads(), ...removal(), ...runtimes()]
}

function entry(kept: string, version?: string): object {
  return { command: `{${kept}_command}`, sha256: `{${kept}_sha256}`, ...(version === undefined ? {} : { version }) }
}

function catalog(): readonly Step[] {
  const path = 'sys/plugins/catalog/secret/greeter'
  return [
    ask('POST', path, entry('old', OLD)),
    ask('POST', path, entry('new', '1.10.0')),
    ask('POST', path, entry('new', 'v3.0.0')),
    ask('GET', path),
    ask('GET', `${path}?version=${OLD}`, undefined, NO_ARGS),
    ask('GET', `${path}?version=${NEW}`, undefined, NO_ARGS),
    ask('GET', `${path}?version=1.10.0`, undefined, NO_ARGS),
    ask('GET', `${path}?version=nonsense`),
    ask('DELETE', `${path}?version=nonsense`),
    ask('LIST', 'sys/plugins/catalog/auth/greeter'),
    ask('LIST', 'sys/plugins/catalog/database', undefined, { part: { because: MORE, at: ['data', 'none'] } }),
    ask('GET', 'sys/plugins/catalog/secret/kv', undefined, {
      differs: { because: 'each has its own', in: BUILTIN_VERSIONS },
    }),
    ask('GET', 'sys/plugins/catalog/secret/'),
    ask('GET', 'sys/plugins/catalog', undefined, {
      part: { because: MORE, at: ['data', 'detailed', 'greeter'] },
    }),
  ]
}

function mounts(): readonly Step[] {
  const tune = 'sys/mounts/g/tune'
  const version = (plugin_version: unknown): object => ({ plugin_version })
  return [
    ask('POST', 'sys/mounts/g', { type: 'greeter', config: version('v2.0.0') }),
    ask('POST', 'sys/mounts/g', { type: 'greeter', config: version('nonsense') }),
    ask('POST', 'sys/mounts/g', { type: 'greeter', config: version(OLD) }),
    ask('GET', 'sys/mounts/g'),
    ask('GET', tune),
    ask('GET', 'g/version'),
    // Without a version the highest is taken.
    ask('POST', 'sys/mounts/h', { type: 'greeter' }),
    ask('GET', 'sys/mounts/h'),
    ask('GET', 'sys/mounts/h/tune'),
    ask('POST', 'sys/mounts/i', { type: 'plugin', plugin_name: 'greeter', config: version('1.9.0') }),
    ask('GET', 'sys/mounts/i'),
    ask('POST', tune, version('v2.0.0')),
    ask('POST', tune, version('nonsense')),
    ask('POST', tune, version(5)),
    ask('POST', tune, version(NEW)),
    ask('GET', tune),
    ask('GET', 'sys/mounts/g'),
    ask('GET', 'g/version'),
    ask('POST', 'sys/plugins/reload/backend', { mounts: ['g/'] }),
    ask('GET', 'sys/mounts/g'),
    ask('GET', 'g/version'),
    ask('POST', tune, version('1.9.0')),
    ask('POST', tune, { ...version(NEW), default_lease_ttl: '1h', description: 'x' }),
    ask('GET', tune),
    ask('POST', tune, version('')),
    ask('GET', tune),
    ask('POST', 'sys/plugins/reload/backend', { mounts: ['g'] }),
    ask('GET', 'sys/mounts/g'),
    ask('POST', tune, version(OLD)),
    ask('POST', 'sys/mounts/h/tune', version('')),
    ask('GET', 'sys/mounts/h/tune'),
  ]
}

function reloads(): readonly Step[] {
  const path = 'sys/plugins/reload/backend'
  return [
    ask('POST', path, { plugin: 'greeter' }),
    ask('GET', 'sys/mounts/g'),
    ask('GET', 'sys/mounts/h'),
    ask('POST', path, { plugin: 'greeter', scope: 'global' }),
    ask('POST', path, { plugin: 'greeter', scope: 'nonsense' }),
    ask('POST', path, { mounts: ['g/', 'none/'] }),
    ask('POST', path, { mounts: [] }),
    ask('POST', path, { mounts: 5 }),
    ask('POST', path, { plugin: 5 }),
    ask('LIST', path),
    ask('DELETE', path),
    ask('POST', 'sys/plugins/reload', {}),
    ask(
      'POST',
      'sys/plugins/reload/secret/greeter',
      {},
      differs('Vault has it, OpenBao has not', NOTHING, { status: 200, data: { reload_id: '<uuid>' } }),
    ),
  ]
}

function removal(): readonly Step[] {
  const path = 'sys/plugins/catalog/secret/greeter'
  return [
    ask('DELETE', `${path}?version=${OLD}`),
    ask('GET', `${path}?version=${OLD}`),
    ask('GET', 'sys/mounts/g'),
    ask('GET', 'g/version'),
    ask('POST', 'sys/mounts/g/tune', { plugin_version: OLD }),
    ask('POST', 'sys/plugins/reload/backend', { mounts: ['g/'] }),
    ask('GET', 'sys/mounts/g'),
    ask('DELETE', 'sys/mounts/g'),
    ask('DELETE', 'sys/mounts/h'),
    ask('DELETE', 'sys/mounts/i'),
  ]
}

function runtimes(): readonly Step[] {
  return [
    ask('GET', 'sys/plugins/runtimes/catalog'),
    ask('LIST', 'sys/plugins/runtimes/catalog'),
    ask('GET', 'sys/plugins/runtimes/catalog/container/x'),
    ask('POST', 'sys/plugins/runtimes/catalog/container/x', { oci_runtime: 'runsc' }),
    ask('DELETE', 'sys/plugins/runtimes/catalog/container/x'),
    ask('GET', 'sys/plugins/none'),
    ask('GET', 'sys/plugins/none/secret/x'),
    ask('GET', 'sys/plugins'),
    ask('LIST', 'sys/plugins'),
    ...pins(),
  ]
}

/** Answered as Vault documents it: OpenBao has none. */
function pins(): readonly Step[] {
  const pin = { type: 'secret', name: 'greeter', version: NEW }
  const path = 'sys/plugins/pins/secret/greeter'
  const told = (data: object): Pick<Step, 'differs'> => differs(NO_PINS, NOTHING, { status: 200, data })
  const done = differs(NO_PINS, NOTHING, { status: 204 })
  const unknown = (version: string): Pick<Step, 'differs'> => {
    const errors = [`plugin not found in the catalog: greeter, version=${version}`]
    return differs(NO_PINS, NOTHING, { status: 400, errors })
  }
  return [
    ask('GET', 'sys/plugins/pins', undefined, told({ pinned_versions: [] })),
    ask('GET', path, undefined, {
      differs: { because: NO_PINS, in: [['body.errors', NOTHING.errors, []]] },
    }),
    ask('POST', path, { version: 'v9.9.9' }, unknown('v9.9.9')),
    ask('POST', path, { version: '1.10.0' }, done),
    ask('GET', path, undefined, told(pin)),
    ask('GET', 'sys/plugins/pins', undefined, told({ pinned_versions: [pin] })),
    ask('LIST', 'sys/plugins/pins', undefined, told({ pinned_versions: [pin] })),
    ask('DELETE', path, undefined, done),
    ask('DELETE', path, undefined, done),
    ask('GET', 'sys/plugins/pins', undefined, told({ pinned_versions: [] })),
  ]
}

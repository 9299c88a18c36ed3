import assert from 'node:assert/strict'
import { test } from 'node:test'
import manifest from 'portcullis/package.json' with { type: 'json' }
import { portcullis, temporaryFolder } from './command.ts'

const HINT = '(add --help for how it is used)\n'
const HASH = 'a'.repeat(64)

const WRONG: readonly (readonly [args: string, stderr: string])[] = [
  ['plugni', `error: unknown command 'plugni'\n(Did you mean plugin?)\n${HINT}`],
  ['plugin instal', `error: unknown command 'instal'\n(Did you mean install?)\n${HINT}`],
  ['plugin install --yess', `error: unknown option '--yess'\n(Did you mean --yes?)\n${HINT}`],
  [
    'plugin install ./a ./b',
    `error: too many arguments for 'install'. Expected 1 argument but got 2: ./a, ./b.\n${HINT}`,
  ],
  ['plugin install ./a --type engine', 'error: --type must be secret, auth or database, not "engine"\n  (ERR_USAGE)\n'],
  [
    'plugin install ./a --isolation none',
    'error: --isolation must be crash, uid or sandbox, not "none"\n  (ERR_USAGE)\n',
  ],
  [
    'plugin install --name x',
    'error: --name, --type and --version go with a source; without one, the lock says them\n  (ERR_USAGE)\n',
  ],
  ['plugin install ./a --registry here', 'error: --registry must be a URL, not "here"\n  (ERR_USAGE)\n'],
  ['plugin remove', `error: missing required argument 'name'\n${HINT}`],
  ['plugin inspect nothing', 'error: "nothing" is neither a file nor a plugin that is installed\n  (ERR_USAGE)\n'],
  ['plugin inspect ./a --timeout 0', 'error: --timeout must be 1 to 3600 seconds\n  (ERR_USAGE)\n'],
  ['plugin list --server', 'error: no server: set VAULT_ADDR, or give --address\n  (ERR_USAGE)\n'],
  [
    'plugin list --address localhost:8200',
    'error: the address must be a URL such as https://vault.example:8200, not "localhost:8200"\n  (ERR_USAGE)\n',
  ],
  ['plugin reload --address http://127.0.0.1:1', 'error: give the name of a plugin, or --mount\n  (ERR_USAGE)\n'],
  ['plugin pin kv --address http://127.0.0.1:1', 'error: give a version, or --remove\n  (ERR_USAGE)\n'],
  ['plugin upgrade kv', `error: missing required argument 'version'\n${HINT}`],
  ['plugin register kv', 'error: --type, --sha256 and --command are needed, or --from-lock\n  (ERR_USAGE)\n'],
  ['plugin register', 'error: give one name, or --from-lock\n  (ERR_USAGE)\n'],
  [
    'plugin register kv --type secret --command kv --sha256 12',
    'error: --sha256 must be 64 hex digits\n  (ERR_USAGE)\n',
  ],
  [
    `plugin register --from-lock --sha256 ${HASH}`,
    'error: --sha256 does not go with --from-lock, which says it\n  (ERR_USAGE)\n',
  ],
  ['plugin new Nö', 'error: the name must be lower-case letters, digits and dashes, not "Nö"\n  (ERR_USAGE)\n'],
  ['plugin pack none.ts', 'error: there is no none.ts: name the file that serves the plugin\n  (ERR_USAGE)\n'],
]

for (const [args, stderr] of WRONG) {
  test(`portcullis ${args}: wrong usage, said plainly, exit code 2`, async (t) => {
    const ended = await portcullis(args.split(' '), { cwd: temporaryFolder(t), env: { HOME: '/nonexistent' } })
    assert.deepEqual(ended, { code: 2, stdout: '', stderr })
  })
}

const FAILS: readonly (readonly [args: string, code: number, message: RegExp])[] = [
  ['plugin install', 4, /there is no .*plugins\.lock\.json: install a plugin first/],
  ['plugin install plugin', 1, /a file is told as \.\/plugin/],
  ['plugin install http://h.example/p', 1, /is not https/],
  ['plugin install ./none --yes', 1, /there is no such file/],
  ['plugin inspect ./none', 1, /\.\/none cannot be inspected: ENOENT/],
  ['plugin remove kv', 4, /kv does not stand in the lock: it is empty/],
  ['plugin register --from-lock', 4, /the lock has no plugin/],
  ['plugin list --address http://127.0.0.1:1', 1, /did not answer GET sys\/plugins\/catalog: ECONNREFUSED/],
]

for (const [args, code, message] of FAILS) {
  test(`portcullis ${args}: fails with ${code}, for people and for machines, without a stack trace`, async (t) => {
    const cwd = temporaryFolder(t)
    const env = { VAULT_TOKEN: 'hvs.secret' }
    const people = await portcullis(args.split(' '), { cwd, env })
    assert.equal(people.code, code)
    assert.equal(people.stdout, '')
    assert.match(people.stderr, message)
    assert.match(people.stderr, /\n {2}\(ERR_\w+\)\n$/)
    assert.doesNotMatch(people.stderr, /\n\s+at |hvs\.secret|\u001b/)
    const machine = await portcullis([...args.split(' '), '--json'], { cwd, env })
    assert.equal(machine.code, code)
    assert.equal(machine.stderr, '')
    assert.match(JSON.parse(machine.stdout).error.message, message)
  })
}

test('--version prints the version, and every --help ends well', async (t) => {
  const cwd = temporaryFolder(t)
  assert.deepEqual(await portcullis(['--version'], { cwd }), { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  for (const args of [
    ['--help'],
    ['plugin', '--help'],
    ['plugin', 'install', '--help'],
    ['plugin', 'register', '--help'],
  ]) {
    const { code, stdout, stderr } = await portcullis(args, { cwd })
    assert.equal(code, 0)
    assert.equal(stderr, '')
    assert.match(stdout, /Usage: portcullis/)
    assert.match(stdout, /Example|Exit codes/)
  }
})

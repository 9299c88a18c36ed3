import assert from 'node:assert/strict'
import { test } from 'node:test'
import manifest from 'portcullis/package.json' with { type: 'json' }

test('the tests run on a Node that the package supports', () => {
  const [, major = '', minor = ''] = /^>=(\d+)\.(\d+)\.0$/.exec(manifest.engines.node) ?? []
  const [runsMajor = 0, runsMinor = 0] = process.versions.node.split('.').map(Number)
  const isSupported = runsMajor > Number(major) || (runsMajor === Number(major) && runsMinor >= Number(minor))
  assert.ok(isSupported, `Node ${process.version} is older than ${manifest.engines.node}`)
})

test('npm test runs on the pinned Node, not on the machine’s', (t) => {
  // Set by npm. Without it, someone runs the tests on a Node of their choice.
  if (process.env.npm_lifecycle_event !== 'test') return t.skip('not run by npm test')
  const why = 'was the install script of the node package skipped?'
  assert.equal(process.version, `v${manifest.devDependencies.node}`, why)
})

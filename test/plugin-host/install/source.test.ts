import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSource, sourceText } from '../../../lib/plugin-host/install/source.ts'

const HASH = 'a'.repeat(64)

const GOOD = [
  ['./plugin', { kind: 'file', path: './plugin' }],
  ['../a/plugin', { kind: 'file', path: '../a/plugin' }],
  ['/opt/plugin', { kind: 'file', path: '/opt/plugin' }],
  ['npm:@scope/name@1.2.3', { kind: 'npm', name: '@scope/name', version: '1.2.3' }],
  ['npm:name@1.2.3-rc.1', { kind: 'npm', name: 'name', version: '1.2.3-rc.1' }],
  [
    'go:github.com/a/b/cmd/c@v1.2.3',
    { kind: 'go', module: 'github.com/a/b', package: 'github.com/a/b/cmd/c', name: 'c', version: 'v1.2.3' },
  ],
  [
    'go:github.com/a/b/v2/cmd/c@v2.0.0',
    { kind: 'go', module: 'github.com/a/b/v2', package: 'github.com/a/b/v2/cmd/c', name: 'c', version: 'v2.0.0' },
  ],
  [`https://h.example/p#sha256=${HASH}`, { kind: 'https', url: 'https://h.example/p', sha256: HASH }],
] as const

for (const [text, source] of GOOD) {
  test(`${text} is read, and written the same`, () => {
    assert.deepEqual(parseSource(text), source)
    assert.equal(sourceText(parseSource(text)), text)
  })
}

const BAD: readonly (readonly [text: string, message: RegExp])[] = [
  ['', /is no source/],
  ['plugin', /a file is told as \.\/plugin/],
  ['npm:name', /has no version/],
  ['npm:name@latest', /needs an exact version/],
  ['npm:name@^1.2.3', /needs an exact version/],
  ['npm:../x@1.2.3', /has no version/],
  ['npm:--ignore@1.2.3@1.2.3', /needs an exact version/],
  ['go:github.com/a/b/cmd/c', /has not the form/],
  ['go:github.com/a/b/cmd/c@latest', /needs an exact version/],
  ['go:github.com/a/b/cmd/c@main', /needs an exact version/],
  ['go:../a@v1.0.0', /has not the form/],
  ['go:-toolexec/a@v1.0.0', /has not the form/],
  [`http://h.example/p#sha256=${HASH}`, /is not https/],
  ['https://h.example/p', /does not end in #sha256=/],
  ['https://h.example/p#sha256=abc', /does not end in #sha256=/],
  [`https://u:secret@h.example/p#sha256=${HASH}`, /holds a user or password/],
  [`ftp://h.example/p#sha256=${HASH}`, /is not https/],
  ['./a\nb', /is no source/],
]

for (const [text, message] of BAD) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => parseSource(text),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_PORTCULLIS_PLUGIN_INSTALL')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /u:secret/)
        return true
      },
    )
  })
}

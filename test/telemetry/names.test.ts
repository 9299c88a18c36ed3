import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sourcesIn } from '../support/imports.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const port = read('lib/ports/telemetry.ts')
const driver = read('lib/telemetry/telemetry.ts')

/** Names in a union of texts. */
function union(type: string): readonly string[] {
  const body = new RegExp(`^export type ${type} =\\n((?:  \\| .*\\n)+)`, 'm').exec(port)?.[1] ?? ''
  return [...body.matchAll(/'(portcullis\.[a-z._]+)'/g)].map(([, name]) => name ?? '')
}

/** First column and the one after it in the README's table below a marker. */
function table(marker: string): readonly (readonly [name: string, second: string])[] {
  const rows = read('README.md').split(`<!-- telemetry: ${marker} -->\n`)[1]?.split('\n\n')[0] ?? ''
  return rows
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .map(([, name = '', second = '']) => [name.replaceAll('`', ''), second.replaceAll('`', '')] as const)
}

test("the README's table of spans has exactly those of the code", () => {
  assert.ok(union('SpanName').length >= 6)
  assert.deepEqual(
    table('spans')
      .map(([name]) => name)
      .sort(),
    [...union('SpanName')].sort(),
  )
})

test("the README's table of metrics has exactly those of the code, with their units", () => {
  const units = [...driver.matchAll(/'(portcullis\.[a-z._]+)': '(\{\w+\})'/g)].map(([, name, unit]) => [name, unit])
  assert.deepEqual(units.map(([name]) => name).sort(), [...union('CounterName')].sort())
  const all = [...units, ['portcullis.request.duration', 's']]
  assert.deepEqual([...table('metrics')].sort(), all.sort())
})

test('every span and counter is used by something', () => {
  const code = sourcesIn('lib')
    .filter(({ path }) => path !== 'lib/ports/telemetry.ts' && path !== 'lib/telemetry/telemetry.ts')
    .map(({ path }) => read(path))
    .join('\n')
  for (const name of [...union('SpanName'), ...union('CounterName')]) assert.ok(code.includes(`'${name}'`), name)
})

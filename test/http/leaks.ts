import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { SECRET, TOKEN } from './support.ts'

/** Everything that a logger could print of `value`. */
export function printed(value: unknown): string {
  const texts = [
    inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null, getters: true }),
    String(value),
  ]
  try {
    texts.push(JSON.stringify(value) ?? '')
  } catch {
    texts.push('')
  }
  for (let at: unknown = value; at instanceof Error; at = at.cause) texts.push(at.stack ?? '', at.message)
  return texts.join('\n')
}

/** Neither the planted token nor the planted secret can be printed from `value`, nor their bytes. */
export function assertNoLeak(value: unknown): void {
  const text = printed(value)
  for (const planted of [TOKEN, SECRET]) {
    const hex = Buffer.from(planted).toString('hex')
    assert.ok(!text.includes(planted), `leaks ${planted}: ${text}`)
    assert.ok(!text.replaceAll(/\s/g, '').includes(hex), `leaks bytes of ${planted}`)
  }
}

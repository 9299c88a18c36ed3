import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startBao } from '../../support/bao.ts'
import { startBaoWithPlugins } from '../../support/bao-plugins.ts'
import { realServersAbsent } from '../../support/real-servers.ts'
import { type Comparison, compare, type Difference } from './compare.ts'
import { IN_HOST, IN_SERVER, KV_DIFFERENCES } from './kv-differences.ts'
import { kvScript } from './kv-script.ts'
import { hostKv, pluginKv, serverKv } from './started.ts'

const skip = await realServersAbsent()

/** Everything is equal but what is listed, and all that is listed shows: a difference that is gone leaves the table. */
function checkComparison(t: TestContext, { sent, equal, listed, unlisted }: Comparison): void {
  t.diagnostic(`${sent} requests, ${equal} answers equal; ${JSON.stringify(listed)}`)
  assert.equal(unlisted.slice(0, 5).join('\n'), '', `${unlisted.length} answers differ for no listed reason`)
  assert.deepEqual(
    Object.entries(listed).filter(([, count]) => count === 0),
    [],
  )
  assert.ok(sent >= 300, `${sent} requests`)
}

test("our kv in our host answers as the server's own kv does", { skip }, async (t) => {
  const differences: readonly Difference[] = [...KV_DIFFERENCES, ...IN_HOST]
  const bao = await startBao(t)
  checkComparison(t, await compare(kvScript(), [await serverKv(bao, 'own'), await hostKv(t)], differences))
})

test("our kv as a plugin of a server answers as that server's own kv does", { skip }, async (t) => {
  const differences: readonly Difference[] = [...KV_DIFFERENCES, ...IN_SERVER]
  const server = await startBaoWithPlugins(t)
  checkComparison(
    t,
    await compare(kvScript(), [await serverKv(server.bao, 'own'), await pluginKv(server)], differences),
  )
})

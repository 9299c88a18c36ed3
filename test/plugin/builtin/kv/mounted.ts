import type { PluginUnderTest, TestPluginOptions } from 'portcullis/plugin/testing'
import { testPlugin } from 'portcullis/plugin/testing'
import { createKv } from '../../../../lib/plugin/builtin/kv/kv.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'

/** A kv mount in memory, whose versions end by a clock that the test moves. */
export interface MountedKv extends PluginUnderTest {
  readonly clock: FakeClock
}

export async function mountKv(version: '1' | '2', options: TestPluginOptions = {}): Promise<MountedKv> {
  const clock = new FakeClock()
  const mounted = await testPlugin(createKv({ clock }), { mountOptions: { version }, ...options })
  return Object.assign(mounted, { clock })
}

import { kv1Script } from './kv1-script.ts'
import { kv2Random } from './kv2-random.ts'
import { kv2Script } from './kv2-script.ts'
import type { Step } from './script.ts'

/** Seeds of the drawn part. Fixed, so that a failure can be had again. */
const SEEDS = [1, 20_260, 987_654_321]

/**
 * Requests to a kv mount of each version, known as `v1` and `v2`, both empty at the start.
 *
 * Every operation and every error that we know of, from tables; then 450 drawn by fixed seeds.
 */
export function kvScript(): readonly Step[] {
  return [...kv1Script('v1'), ...kv2Script('v2'), ...SEEDS.flatMap((seed) => kv2Random('v2', 150, seed))]
}

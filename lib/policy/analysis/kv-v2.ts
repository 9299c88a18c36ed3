import type { CheckedRule } from './checked-rule.ts'
import { type Analysis, about, type Draft } from './draft.ts'
import type { RuleBook } from './rule-book.ts'
import { KV_V2_PARTS } from './server-paths.ts'

/** Which mounts are KV, as the operator tells. */
export interface KvMounts {
  /** Of version 1: no `data/` in their paths. Without slashes at the ends. */
  readonly kv1: readonly string[]
  readonly kv2: readonly string[]
}

/** Where a server in dev mode has KV v2, and most servers have. */
const USUAL = 'secret'

/** Paths below KV v2 mounts that name no secret, and listings where KV v2 lists nothing. */
export function kvV2Paths(mounts: KvMounts): Analysis {
  return (book) => {
    const known = knownMounts(book, mounts)
    return book.rules.flatMap((rule) => {
      const mount = mountOf(rule, known.get(rule.scope.namespace) ?? mounts.kv2)
      return mount === undefined ? [] : [...withoutPart(rule, mount), ...listedData(rule, mount)]
    })
  }
}

/** By namespace: mounts that are told, the usual one, and those that some rule has data or metadata of. */
function knownMounts({ rules }: RuleBook, { kv1, kv2 }: KvMounts): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, Set<string>>()
  for (const { scope, pattern } of rules) {
    let mounts = known.get(scope.namespace)
    if (mounts === undefined) {
      mounts = new Set([...kv2, USUAL])
      known.set(scope.namespace, mounts)
    }
    const [first = '', second = '', ...more] = pattern.segments
    if (first !== '+' && more.length > 0 && (second === 'data' || second === 'metadata')) mounts.add(first)
  }
  return new Map(
    [...known].map(([namespace, mounts]) => [namespace, [...mounts].filter((name) => !kv1.includes(name))]),
  )
}

/** The longest of the mounts that the rule's path lies below. */
function mountOf({ pattern }: CheckedRule, mounts: readonly string[]): string | undefined {
  return mounts.filter((mount) => pattern.text.startsWith(`${mount}/`)).sort((a, b) => b.length - a.length)[0]
}

function withoutPart(rule: CheckedRule, mount: string): readonly Draft[] {
  const { text, isPrefix, segments } = rule.pattern
  const rest = text.slice(mount.length + 1)
  const depth = mount.split('/').length
  const part = segments[depth] ?? ''
  const isBegun = isPrefix && segments.length === depth + 1
  const isPart = isBegun ? KV_V2_PARTS.some((name) => name.startsWith(part)) : KV_V2_PARTS.includes(part)
  if (isPart || part === '+' || part === '') return []
  const message = `${JSON.stringify(`${mount}/`)} looks like KV v2, where secrets are below data/ and lists below metadata/: write ${JSON.stringify(`${mount}/data/${rest}`)}, or say --kv1 ${mount}`
  return [about(rule, 'kv-v2-path', message, 'path')]
}

function listedData(rule: CheckedRule, mount: string): readonly Draft[] {
  const { text } = rule.pattern
  const isListing = rule.effect === 'allow' && rule.operations.has('list')
  if (!isListing || !text.startsWith(`${mount}/data/`)) return []
  const metadata = `${mount}/metadata/${text.slice(mount.length + '/data/'.length)}`
  return [
    about(rule, 'kv-v2-list', `KV v2 lists below metadata/: grant list on ${JSON.stringify(metadata)}`, 'operations'),
  ]
}

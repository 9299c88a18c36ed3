import { type Pattern, patternOf } from '../pattern.ts'
import { grantsCreateOnly } from '../rule.ts'
import { type CheckedRule, named } from './checked-rule.ts'
import { type Analysis, about, type Draft } from './draft.ts'
import { type RuleBook, rank } from './rule-book.ts'
import { SUDO } from './server-paths.ts'

const SUDO_PATTERNS: readonly Pattern[] = SUDO.map(patternOf)

const VERBS = { allow: 'allows', deny: 'denies', forbid: 'forbids' } as const

/** Sudo that says nothing, and sudo that is not said. */
export const sudo: Analysis = ({ rules }) =>
  rules.flatMap((rule) => {
    if (rule.asked.length === 0 && rule.operations.has('sudo')) {
      const message = `"sudo" by itself ${VERBS[rule.effect]} nothing here: it is carried for the preflight, never decided; name the operations, too`
      return [about(rule, 'sudo-alone', message, 'operations')]
    }
    const isMissing = rule.effect === 'allow' && !rule.operations.has('sudo') && !rule.operations.has('*')
    if (!isMissing || !SUDO_PATTERNS.some((pattern) => isWithin(rule.pattern, pattern))) return []
    return [
      about(
        rule,
        'sudo-missing',
        'the server asks for sudo on this path: add "sudo", so that the preflight asks for it',
        'operations',
      ),
    ]
  })

/** Rules that name create or update alone. */
export const createOnly: Analysis = ({ rules }) =>
  rules.flatMap((rule) => {
    const message = createOnlyMessage(rule)
    return message === undefined ? [] : [about(rule, 'create-only', message, 'operations')]
  })

function createOnlyMessage({ effect, operations, pattern }: CheckedRule): string | undefined {
  if (operations.has('write') || operations.has('*') || operations.has('create') === operations.has('update'))
    return undefined
  const [one, other] = operations.has('create') ? ['create', 'update'] : ['update', 'create']
  if (effect !== 'allow')
    return `"${one}" alone stops every write, ${other} too, since they cannot be told apart before; say "write"`
  if (!grantsCreateOnly({ operations })) return undefined
  if (/(?:^|\/)data\//.test(pattern.text)) {
    return 'on KV v2 each write is sent with "cas": 0, so that it creates, and fails where there is a version already; if writes are meant, say "write"'
  }
  return 'outside of KV v2 the gateway cannot hold a write to creating, and sends it as it is: only the server can refuse an update; if writes are meant, say "write"'
}

/** Paths of the HTTP interface, and paths that match less than they seem to. */
export const spelling: Analysis = (book) =>
  book.rules.flatMap((rule) => [...prefixed(rule), ...slashOnly(rule), ...listedWithSlash(rule, book)])

function prefixed(rule: CheckedRule): readonly Draft[] {
  if (!rule.pattern.text.startsWith('v1/')) return []
  return [
    about(rule, 'v1-prefix', `paths are relative to /v1/: write ${JSON.stringify(rule.pattern.text.slice(3))}`, 'path'),
  ]
}

function slashOnly(rule: CheckedRule): readonly Draft[] {
  const { text, isPrefix } = rule.pattern
  const isListing = rule.operations.has('list') || rule.operations.has('scan') || rule.operations.has('*')
  if (rule.effect === 'forbid' || isPrefix || !text.endsWith('/') || isListing || rule.asked.length === 0) return []
  const message = `it matches only the path that ends in a slash: write ${JSON.stringify(`${text}*`)} for what is below it, or ${JSON.stringify(text.slice(0, -1))} for the path itself`
  return [about(rule, 'trailing-slash', message, 'path')]
}

/** A listing of `a/b` asks for `a/b/`, and among patterns that form is looked for first. */
function listedWithSlash(rule: CheckedRule, book: RuleBook): readonly Draft[] {
  const { text, isPrefix } = rule.pattern
  const isMeant = rule.effect === 'allow' && rule.operations.has('list') && !isPrefix && !text.endsWith('/')
  if (!isMeant) return []
  const slashed = patternOf(`${text}/`)
  const others = book.over(slashed, rule).filter((other) => other.effect === 'deny' || book.binds(other, rule))
  const first = others
    .filter(({ pattern }) => !rule.pattern.isExact || pattern.isExact)
    .reduce<CheckedRule | undefined>(
      (best, other) => (best === undefined || rank(other.pattern, best.pattern) > 0 ? other : best),
      undefined,
    )
  if (first === undefined || !book.binds(first, rule)) return []
  const winners = others.filter(({ pattern }) => pattern.text === first.pattern.text)
  const isGranted = winners.some(({ effect, asked }) => effect === 'allow' && asked.includes('list'))
  if (isGranted) return []
  const message = `a listing asks for the path with a slash at its end, and ${named(first)} matches that and grants no list: write ${JSON.stringify(slashed.text)}`
  return [about(rule, 'list-slash', message, 'path')]
}

/** Does all that `inner` matches lie on `outer`? */
function isWithin(inner: Pattern, outer: Pattern): boolean {
  if (inner.isPrefix && !outer.isPrefix) return false
  const { segments } = outer
  const last = segments.length - 1
  if (!outer.isPrefix && inner.segments.length !== segments.length) return false
  return segments.every((segment, at) => {
    const own = inner.segments[at]
    if (own === undefined) return false
    if (outer.isPrefix && at === last) return own !== '+' ? own.startsWith(segment) : segment === ''
    return segment === '+' || segment === own
  })
}

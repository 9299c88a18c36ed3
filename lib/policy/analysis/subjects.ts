import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Place } from '../place.ts'
import type { CheckedPolicy } from './checked-rule.ts'
import { type Analysis, aboutPolicy, type Draft } from './draft.ts'

/** Subjects that bind more callers than they seem to. */
export const broadSubjects: Analysis = ({ policies }) =>
  policies.flatMap((policy) => {
    const { subject } = policy.scope
    if (subject === undefined) return []
    const place = policy.place.at('subject')
    const draft = (at: Place, message: string): Draft => aboutPolicy(policy, 'subject-breadth', message, at)
    return [...tops(policy, subject, place), ...properties(subject, place, draft)]
  })

type Write = (place: Place, message: string) => Draft

/** What the subject as a whole asks for. */
function tops(policy: CheckedPolicy, subject: JsonObject, place: Place): readonly Draft[] {
  const draft = (at: Place, message: string): Draft => aboutPolicy(policy, 'subject-breadth', message, at)
  const asks = ['required', 'allOf', 'anyOf', 'oneOf', '$ref'].some((name) => subject[name] !== undefined)
  const found: Draft[] = []
  if (!asks && subject.not !== undefined) {
    found.push(
      draft(
        place.at('not'),
        'it binds every caller but those that "not" names, whoever they are; ask for an attribute, too',
      ),
    )
  } else if (!asks && subject.minProperties !== undefined) {
    found.push(
      draft(
        place.at('minProperties'),
        'it binds every caller that has any attributes; name those that it is meant for',
      ),
    )
  }
  for (const name of ['anyOf', 'oneOf']) {
    const branches = subject[name]
    if (!Array.isArray(branches) || subject.required !== undefined) continue
    const open = branches.findIndex(saysNothing)
    if (open !== -1) {
      found.push(
        draft(
          place.at(name, open),
          'this branch asks for nothing, so the policy binds every caller; take the branch out',
        ),
      )
    }
  }
  return found
}

/** Properties, wherever in the subject they stand. */
function properties(schema: JsonValue, place: Place, draft: Write): readonly Draft[] {
  if (!isJsonObject(schema)) return []
  const own = isJsonObject(schema.properties) ? Object.entries(schema.properties) : []
  const found = own.flatMap(([name, value]) => property(name, value, place.at('properties', name), draft))
  const below = ['allOf', 'anyOf', 'oneOf'].flatMap((name) => {
    const branches = schema[name]
    return Array.isArray(branches)
      ? branches.flatMap((branch, at) => properties(branch, place.at(name, at), draft))
      : []
  })
  return [...found, ...below]
}

function property(name: string, schema: JsonValue, place: Place, draft: Write): readonly Draft[] {
  const attribute = JSON.stringify(name)
  if (saysNothing(schema)) {
    return [
      draft(place, `it binds every caller that has ${attribute}, whatever it is; give "const", "enum" or a "type"`),
    ]
  }
  if (!isJsonObject(schema)) return []
  if (schema.type === 'boolean' && schema.const === undefined && schema.enum === undefined) {
    return [draft(place, `it binds callers whose ${attribute} is false, too; ask for {"const": true}`)]
  }
  if (schema.not !== undefined && !POSITIVE.some((keyword) => schema[keyword] !== undefined)) {
    return [draft(place, `it binds callers whose ${attribute} is anything else, of any type; say what it has to be`)]
  }
  const loose = typeof schema.pattern === 'string' ? loosePattern(schema.pattern) : undefined
  return loose === undefined ? [] : [draft(place.at('pattern'), `the pattern ${loose}`)]
}

const POSITIVE: readonly string[] = ['type', 'const', 'enum', 'allOf', 'anyOf', 'oneOf', '$ref']
/** Keywords that ask for nothing. */
const WORDS: readonly string[] = ['title', 'description', '$comment', 'default', 'examples', 'deprecated']

function saysNothing(schema: JsonValue): boolean {
  if (schema === true) return true
  return isJsonObject(schema) && Object.keys(schema).every((keyword) => WORDS.includes(keyword))
}

/** What more than it seems a pattern lets pass; `undefined` where nothing does. */
export function loosePattern(pattern: string): string | undefined {
  const branches = topBranches(pattern)
  if (branches.some((branch) => !branch.startsWith('^'))) {
    const hint = branches.length > 1 ? ' in each branch of "|"; put the branches in ( )' : ''
    return `has no "^"${hint || ' at its start'}, so it is found anywhere in the attribute: "x-orders" passes "orders"`
  }
  if (branches.some((branch) => !isClosed(branch))) {
    const hint = branches.length > 1 ? ' in each branch of "|"; put the branches in ( )' : ''
    return `has no "$"${hint || ' at its end'}, so more may follow: "orders-admin" passes "^orders"`
  }
  return undefined
}

/** Ends in `$`, or says plainly that more may follow: a separator, or `.*`. */
function isClosed(branch: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\$$/.test(branch) || /(?:[-_/:@,\s]|\\\.|\.[*+])$/.test(branch)
}

/** Parts between the `|` that stand in no group and no class. */
function topBranches(pattern: string): readonly string[] {
  const branches: string[] = []
  let [depth, start, isInClass] = [0, 0, false]
  for (let at = 0; at < pattern.length; at += 1) {
    const unit = pattern[at]
    if (unit === '\\') at += 1
    else if (isInClass) isInClass = unit !== ']'
    else if (unit === '[') isInClass = true
    else if (unit === '(') depth += 1
    else if (unit === ')') depth -= 1
    else if (unit === '|' && depth === 0) {
      branches.push(pattern.slice(start, at))
      start = at + 1
    }
  }
  return [...branches, pattern.slice(start)]
}

import { randomInt, randomUUID } from 'node:crypto'
import { PluginRefusal } from '../../refusal.ts'

/** What a name is made of. */
export interface UsernameParts {
  readonly displayName: string
  readonly roleName: string
}

/** Makes a name. @throws {PluginRefusal} for arguments that a function of the template does not take. */
export type UsernameTemplate = (parts: UsernameParts) => string

/** The server's own: `v-<display name>-<role>-<random>-<seconds since 1970>`. */
export const DEFAULT_TEMPLATE =
  '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}'

const MAX_LENGTH = 2_000

type Value = string | number
type Node = (parts: UsernameParts) => Value

/**
 * Compiles `text`: the part of Go's templates that names of users need.
 *
 * Literal text, and actions in `{{ }}`: `.DisplayName`, `.RoleName`, texts in `"…"`, numbers, parentheses, pipes, and
 * the functions `truncate N`, `lowercase`, `uppercase`, `replace OLD NEW`, `random N`, `unix_time`, `unix_time_millis`,
 * `uuid` and `printf` (with `%s`, `%d`, `%v`, `%%`).
 *
 * @throws {PluginRefusal} for anything else, naming it.
 */
export function compileUsernameTemplate(text: string): UsernameTemplate {
  if (text.length > MAX_LENGTH) throw new PluginRefusal(`username_template has more than ${MAX_LENGTH} characters`)
  const nodes: Node[] = []
  let at = 0
  for (const action of text.matchAll(/\{\{((?:"(?:[^"\\]|\\.)*"|[^"}]|\}(?!\}))*)\}\}/g)) {
    const literal = text.slice(at, action.index)
    nodes.push(() => literal, parse(action[1] ?? ''))
    at = action.index + action[0].length
  }
  const rest = text.slice(at)
  if (rest.includes('{{')) throw new PluginRefusal('username_template has an action that does not end')
  nodes.push(() => rest)
  return (parts) => nodes.map((node) => String(node(parts))).join('')
}

const END: Token = { kind: 'end', value: '' }
const TOKEN = /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<number>\d{1,9})|(?<word>\.?[A-Za-z_]\w*)|(?<mark>[()|])|(?<end>$))/y

interface Token {
  readonly kind: string
  readonly value: string
}

function parse(action: string): Node {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (;;) {
    const found = TOKEN.exec(action)
    if (found === null) throw new PluginRefusal(`username_template: cannot read the action "${action.trim()}"`)
    const [kind, value = ''] = Object.entries(found.groups ?? {}).find(([, part]) => part !== undefined) ?? ['end']
    tokens.push({ kind, value })
    if (kind === 'end') break
  }
  const node = pipeline(tokens)
  if (tokens[0]?.kind !== 'end') throw new PluginRefusal('username_template: a parenthesis too many')
  return node
}

function pipeline(tokens: Token[]): Node {
  let node = command(tokens, undefined)
  while (tokens[0]?.value === '|' && tokens[0].kind === 'mark') {
    tokens.shift()
    node = command(tokens, node)
  }
  return node
}

function command(tokens: Token[], piped: Node | undefined): Node {
  const [head] = tokens
  if (head?.kind === 'word' && !head.value.startsWith('.')) {
    tokens.shift()
    const call = Object.hasOwn(FUNCTIONS, head.value) ? FUNCTIONS[head.value] : undefined
    if (call === undefined) throw new PluginRefusal(`username_template: there is no function "${head.value}" here`)
    const given: Node[] = []
    while (isOperand(tokens[0])) given.push(operand(tokens))
    const all = piped === undefined ? given : [...given, piped]
    return (parts) => call(all.map((node) => node(parts)))
  }
  if (piped !== undefined) throw new PluginRefusal('username_template: a pipe must lead to a function')
  return operand(tokens)
}

function isOperand(token: Token | undefined): boolean {
  return token?.kind === 'text' || token?.kind === 'number' || token?.kind === 'word' || token?.value === '('
}

function operand(tokens: Token[]): Node {
  const token = tokens.shift()
  if (token?.value === '(' && token.kind === 'mark') {
    const inner = pipeline(tokens)
    if (tokens.shift()?.value !== ')') throw new PluginRefusal('username_template: a parenthesis does not end')
    return inner
  }
  if (token?.kind === 'text') return constant(unescaped(token.value))
  if (token?.kind === 'number') return constant(Number(token.value))
  if (token?.value === '.DisplayName') return ({ displayName }) => displayName
  if (token?.value === '.RoleName') return ({ roleName }) => roleName
  if (token?.kind === 'word' && !token.value.startsWith('.')) return command([token, END], undefined)
  if (token?.kind === 'word') throw new PluginRefusal(`username_template: there is no field "${token.value}" here`)
  throw new PluginRefusal('username_template: an operand is missing')
}

function constant(value: Value): Node {
  return () => value
}

function unescaped(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}

const FUNCTIONS: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  truncate: ([count, text]) => String(text ?? '').slice(0, size(count)),
  lowercase: ([text]) => String(text ?? '').toLowerCase(),
  uppercase: ([text]) => String(text ?? '').toUpperCase(),
  replace: ([old, by, text]) => String(text ?? '').replaceAll(String(old ?? ''), () => String(by ?? '')),
  random: ([count]) => randomText(size(count)),
  unix_time: () => Math.floor(Date.now() / 1_000),
  unix_time_millis: () => Date.now(),
  uuid: () => randomUUID(),
  printf: ([format, ...values]) => printed(String(format ?? ''), values),
}

function size(value: Value | undefined): number {
  if (typeof value === 'number' && value >= 1 && value <= 1_000) return value
  throw new PluginRefusal('username_template: a length must be from 1 to 1000')
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

function randomText(length: number): string {
  let text = ''
  while (text.length < length) text += LETTERS[randomInt(LETTERS.length)]
  return text
}

function printed(format: string, values: readonly Value[]): string {
  let next = 0
  return format.replaceAll(/%(.?)/g, (_, verb: string) => {
    if (verb === '%') return '%'
    const value = values[next]
    next += 1
    if (!/^[sdv]$/.test(verb) || value === undefined)
      throw new PluginRefusal('username_template: printf takes %s, %d and %v, and a value for each')
    return String(value)
  })
}

import type { Random } from '../../ports/random.ts'
import { randomIndexes } from './random-index.ts'

/** What a password must look like. Made by {@link parsePasswordPolicy}, or by hand and checked by {@link checkedPolicy}. */
export interface PasswordPolicy {
  /** Characters (code points). */
  readonly length: number
  /** Together they are the characters a password is made of. */
  readonly rules: readonly PasswordRule[]
}

/** Characters, and how many of them must be there at least. */
export interface PasswordRule {
  readonly charset: string
  /** 0 or less: none has to be. */
  readonly minChars: number
}

/** What the server uses where no policy is named: 20 characters, at least one each of lower, upper, digit and dash. */
export const DEFAULT_PASSWORD_POLICY: PasswordPolicy = Object.freeze({
  length: 20,
  rules: Object.freeze([
    Object.freeze({ charset: 'abcdefghijklmnopqrstuvwxyz', minChars: 1 }),
    Object.freeze({ charset: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', minChars: 1 }),
    Object.freeze({ charset: '0123456789', minChars: 1 }),
    Object.freeze({ charset: '-', minChars: 1 }),
  ]),
})

/** Longest charset taken; Unicode has fewer characters than that to print. */
const MAX_CHARSET = 10_000
/** Longest password of any policy, so that a policy cannot eat memory. The server's API bounds it further, to 100. */
const MAX_LENGTH = 4096
/** Draws before the password is composed instead; a policy that passes one draw in twenty fails so often once in 10^22. */
const MAX_DRAWS = 1000

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

/**
 * `policy`, when passwords can be made by it.
 *
 * @throws {TypeError} with the server's words, all reasons in one message.
 */
export function checkedPolicy(policy: PasswordPolicy): PasswordPolicy {
  const reasons = reasonsAgainst(policy)
  if (reasons.length === 0) return policy
  const count = `${reasons.length} error${reasons.length === 1 ? '' : 's'} occurred:`
  throw new TypeError(`invalid password policy: ${count}\n${reasons.map((reason) => `\t* ${reason}\n`).join('')}\n`)
}

function reasonsAgainst({ length, rules }: PasswordPolicy): readonly string[] {
  const needed = rules.reduce((sum, { minChars }) => sum + Math.max(0, minChars), 0)
  const charset = rules.map((rule) => rule.charset).join('')
  const reasons: string[] = []
  if (!(length > 0)) reasons.push('length must be > 0')
  if (length > MAX_LENGTH) reasons.push(`length must be <= ${MAX_LENGTH}`)
  if (length > 0 && needed > length)
    reasons.push(`specified rules require at least ${needed} characters but ${length} is specified`)
  if (charset === '') reasons.push('no charset specified')
  if (charset.length > MAX_CHARSET) reasons.push('charset is too long')
  else if (UNPRINTABLE.test(charset)) reasons.push('non-printable character in charset')
  return reasons
}

/**
 * A password by `policy`, each that satisfies it as likely as any other.
 *
 * Characters are drawn until a draw satisfies all rules, which gives no place and no character a preference. Only for
 * a policy that nearly no draw satisfies are the required characters drawn first, then the rest, then all shuffled.
 *
 * @param policy - A checked one.
 */
export function generatePassword(policy: PasswordPolicy, random: Random): string {
  const all = [...new Set(policy.rules.flatMap(({ charset }) => [...charset]))]
  const rules = policy.rules
    .filter(({ minChars }) => minChars > 0)
    .map(({ charset, minChars }) => ({ charset: new Set(charset), minChars }))
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const password = drawn(all, policy.length, random)
    if (rules.every(({ charset, minChars }) => counted(password, charset) >= minChars)) return password.join('')
  }
  return composed(policy, all, random)
}

function drawn(charset: readonly string[], count: number, random: Random): string[] {
  return randomIndexes(random, count, charset.length).map((index) => charset[index] ?? '')
}

function counted(password: readonly string[], charset: ReadonlySet<string>): number {
  let count = 0
  for (const char of password) if (charset.has(char)) count += 1
  return count
}

function composed({ length, rules }: PasswordPolicy, all: readonly string[], random: Random): string {
  const required = rules.flatMap(({ charset, minChars }) => drawn([...new Set(charset)], Math.max(0, minChars), random))
  const chars = [...required, ...drawn(all, length - required.length, random)]
  for (let at = chars.length - 1; at > 0; at -= 1) {
    const other = randomIndexes(random, 1, at + 1)[0] ?? 0
    const char = chars[at] ?? ''
    chars[at] = chars[other] ?? ''
    chars[other] = char
  }
  return chars.join('')
}

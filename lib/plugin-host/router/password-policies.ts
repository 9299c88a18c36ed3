import { PluginError } from '../../errors/index.ts'
import { generatePassword, type PasswordPolicy } from '../database/password-policy.ts'
import { parsePasswordPolicy, policyText } from '../database/policy-document.ts'
import type { Context } from './context.ts'
import { hashOf } from './names.ts'
import { refuse } from './refusal.ts'

interface PolicyRecord {
  readonly name: string
  /** As it was written. */
  readonly text: string
}

interface Kept extends PolicyRecord {
  readonly policy: PasswordPolicy
}

const FOLDER = 'core/password-policy/'

/** Named rules that passwords are made by: for the database engine, and for plugins through their system view. */
export class PasswordPolicies {
  readonly #context: Context
  readonly #byName = new Map<string, Kept>()

  constructor(context: Context) {
    this.#context = context
  }

  async load(): Promise<void> {
    for (const [, record] of await this.#context.documents.all<PolicyRecord>(FOLDER)) {
      this.#byName.set(record.name, { ...record, policy: parsePasswordPolicy(record.text) })
    }
  }

  names(): readonly string[] {
    return [...this.#byName.keys()].sort()
  }

  text(name: string): string | undefined {
    return this.#byName.get(name)?.text
  }

  /** @param document - The text of the policy, plain or in base64. @throws {Refusal} 400. */
  async put(name: string, document: string): Promise<void> {
    const text = policyText(document)
    let policy: PasswordPolicy
    try {
      policy = parsePasswordPolicy(text)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw refuse(400, error.message)
    }
    await this.#context.documents.put(FOLDER + hashOf(name), { name, text })
    this.#byName.set(name, { name, text, policy })
  }

  async remove(name: string): Promise<void> {
    await this.#context.documents.remove(FOLDER + hashOf(name))
    this.#byName.delete(name)
  }

  /** @throws {PluginError} `_UNKNOWN`: there is no such policy. */
  generate(name: string): string {
    const kept = this.#byName.get(name)
    if (kept === undefined)
      throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', `there is no password policy ${JSON.stringify(name)}`)
    return generatePassword(kept.policy, this.#context.random)
  }
}

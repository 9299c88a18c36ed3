import type { CompiledPolicies } from './model/compiled-policies.ts'
import type { PolicyChanges } from './model/policy-changes.ts'
import type { GatewayConfig } from './options/gateway.ts'
import { changesBetween, digestOf, type Inventory, inventoryOf } from './policy/changes.ts'
import {
  createPolicyEngine,
  type PolicyDocument,
  type PolicyEngine,
  type PolicyEngineOptions,
} from './policy/engine.ts'
import { createLivePolicies } from './policy/live-engine.ts'
import { parsePolicyText } from './policy/parse.ts'
import type { Clock, Timer } from './ports/clock.ts'
import type { WatchedFiles } from './ports/files.ts'

/** Between two looks at a folder that is watched; milliseconds. */
export const POLICY_LOOK_MS = 5_000

export type PolicySource = GatewayConfig['policies']

/** Told of what becomes of reloads. */
export interface PolicyListener {
  /** Before another set comes into force. A rejection keeps the old one. */
  reloading(changes: PolicyChanges): Promise<void>
  /** Another set is in force. */
  reloaded(changes: PolicyChanges): void
  /** A set could not be used. */
  refused(error: unknown): Promise<void>
}

/** The policies in force, and how they are replaced. */
export interface Policies {
  readonly engine: PolicyEngine
  /**
   * Loads `source` (default: what was loaded last) and puts it in force, whole or not at all. One at a time, in order.
   *
   * @throws what loading throws; then the old set stays.
   */
  reload(source?: PolicySource): Promise<PolicyChanges>
  /** Looks at the folder from time to time, where it is to be watched. */
  follow(listener: PolicyListener): void
  close(): void
}

interface Outside {
  readonly clock: Clock
  readonly files: WatchedFiles
}

/** Loads the policies of `config`. @throws {PolicyLoadError} @throws the operating system's error for a folder that cannot be read. */
export async function createPolicies(config: GatewayConfig, outside: Outside): Promise<Policies> {
  // Before the files are read: what is written meanwhile shows as a change.
  const { policies } = config
  const signature = 'folder' in policies ? await signatureOf(policies.folder, outside.files) : ''
  const set = await loaded(config, policies, outside)
  return new GatewayPolicies(config, outside, { ...set, source: policies, signature })
}

interface PolicySet {
  readonly engine: PolicyEngine
  readonly inventory: Inventory
}

async function loaded(
  { namespace, unrestricted }: GatewayConfig,
  source: PolicySource,
  { clock, files }: Outside,
): Promise<PolicySet> {
  if ('compiled' in source) return compiledSet(source.compiled, { namespace, unrestricted, clock })
  const documents = 'folder' in source ? await readPolicies(source.folder, files) : source.documents.map(named)
  const engine = await createPolicyEngine(documents, { namespace, unrestricted, clock })
  return { engine, inventory: inventoryOf(documents) }
}

/** Loaded only where it is used: who compiles beforehand wants little to be loaded, and who does not, nothing of this. */
async function compiledSet(policies: CompiledPolicies, options: PolicyEngineOptions): Promise<PolicySet> {
  const { loadCompiled, stale } = await import('./policy/compiled/compiler.ts')
  const compiler = await loadCompiled(policies)
  const inventory = inventoryOf(policies.documents)
  if (digestOf(inventory) !== policies.digest) throw stale('they were changed by hand')
  const engine = await createPolicyEngine(policies.documents, { ...options, compiler })
  return { engine, inventory }
}

class GatewayPolicies implements Policies {
  readonly #config: GatewayConfig
  readonly #outside: Outside
  readonly #live: ReturnType<typeof createLivePolicies>
  #source: PolicySource
  #inventory: Inventory
  /** Of the folder, when it was last looked at. */
  #signature: string
  #last: Promise<unknown> = Promise.resolve()
  #listener: PolicyListener | undefined
  #timer: Timer | undefined
  #isClosed = false

  constructor(
    config: GatewayConfig,
    outside: Outside,
    { engine, inventory, source, signature }: PolicySet & { readonly source: PolicySource; readonly signature: string },
  ) {
    this.#config = config
    this.#outside = outside
    this.#live = createLivePolicies(engine)
    this.#inventory = inventory
    this.#source = source
    this.#signature = signature
  }

  get engine(): PolicyEngine {
    return this.#live
  }

  reload(source: PolicySource = this.#source): Promise<PolicyChanges> {
    const turn = this.#last.then(() => this.#reload(source))
    this.#last = turn.catch(() => {})
    return turn
  }

  follow(listener: PolicyListener): void {
    this.#listener = listener
    if (this.#config.watchPolicies) this.#lookLater()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #reload(source: PolicySource): Promise<PolicyChanges> {
    try {
      const { engine, inventory } = await loaded(this.#config, source, this.#outside)
      const changes = changesBetween(this.#inventory, inventory)
      await this.#listener?.reloading(changes)
      this.#live.replace(engine)
      this.#inventory = inventory
      this.#source = source
      this.#listener?.reloaded(changes)
      return changes
    } catch (error) {
      await this.#listener?.refused(error)
      throw error
    }
  }

  #lookLater(): void {
    if (this.#isClosed) return
    this.#timer = this.#outside.clock.after(POLICY_LOOK_MS, () => {
      void this.#look().then(() => this.#lookLater())
    })
  }

  /** A set that was refused is not tried again until the folder changes. */
  async #look(): Promise<void> {
    const source = this.#source
    if (!('folder' in source)) return
    const signature = await signatureOf(source.folder, this.#outside.files).catch(codeOf)
    if (signature === this.#signature) return
    this.#signature = signature
    // Whoever listens has been told.
    await this.reload(source).catch(() => {})
  }
}

/** A folder that cannot be read looks like no other: that it is so is said once. */
function codeOf(error: unknown): string {
  return `unreadable ${(error as NodeJS.ErrnoException | undefined)?.code ?? ''}`
}

function signatureOf(folder: string, files: WatchedFiles): Promise<string> {
  return files.signature(folder, '.json')
}

/** Tests of policies stand beside them, and are none. */
const TESTS = '.policy-test.json'

async function readPolicies(folder: string, files: WatchedFiles): Promise<readonly PolicyDocument[]> {
  const names = (await files.list(folder, '.json')).filter((name) => !name.endsWith(TESTS))
  return Promise.all(
    names.map(async (name) => {
      const file = `${folder}/${name}`
      return parsePolicyText(file, await files.readText(file))
    }),
  )
}

function named(document: object, index: number): PolicyDocument {
  return { file: `policies[${index}]`, document }
}

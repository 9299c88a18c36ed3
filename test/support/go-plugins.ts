import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { UnavailableError } from '../../examples/support/unavailable.ts'
import { ROOT } from './imports.ts'

const run = promisify(execFile)

/** A released plugin, as a Go module has it. */
export interface GoPlugin {
  /** Of the command, and of its repository. */
  readonly name: string
  /** With leading `v`; `''` for one whose module lies in this checkout. */
  readonly version: string
  /** Package to build. Default: `github.com/hashicorp/<name>/cmd/<name>`. */
  readonly package?: string
  /** Folder of a module in this checkout, built instead. */
  readonly folder?: string
}

export const KV_PLUGIN: GoPlugin = { name: 'vault-plugin-secrets-kv', version: 'v0.25.0' }
export const JWT_PLUGIN: GoPlugin = { name: 'vault-plugin-auth-jwt', version: 'v0.26.1' }
export const TERRAFORM_PLUGIN: GoPlugin = { name: 'vault-plugin-secrets-terraform', version: 'v0.13.0' }
export const ELASTICSEARCH_PLUGIN: GoPlugin = { name: 'vault-plugin-database-elasticsearch', version: 'v0.19.0' }
export const REDIS_PLUGIN: GoPlugin = { name: 'vault-plugin-database-redis', version: 'v0.7.0' }
export const KUBERNETES_PLUGIN: GoPlugin = { name: 'vault-plugin-secrets-kubernetes', version: 'v0.12.0' }
/** The mock backends of both SDKs: every kind of error, storage, invalidation, raw answers. */
export const VAULT_MOCK: GoPlugin = { name: 'mock-vault', version: '', folder: 'test/support/go/mock-vault' }
export const OPENBAO_MOCK: GoPlugin = { name: 'mock-openbao', version: '', folder: 'test/support/go/mock-openbao' }
/** OpenBao's, behind a server of gRPC that asks every connection to leave when it is a second and a half old. */
export const AGING_MOCK: GoPlugin = { name: 'aging-openbao', version: '', folder: 'test/support/go/aging-openbao' }

const CACHE = join(ROOT, '.cache/plugins')
const BUILD_LIMIT_MS = 10 * 60_000

/**
 * Path of the program of `plugin`; built once a checkout, into `.cache/plugins/<name>-<version>`.
 *
 * Without a Go tool chain or its modules `t` is skipped and left by throwing; in CI it fails.
 */
export async function goPlugin(t: TestContext, plugin: GoPlugin): Promise<string> {
  try {
    return await builtPlugin(plugin)
  } catch (error) {
    if (error instanceof UnavailableError && ['', '0', 'false'].includes(process.env.CI ?? '')) t.skip(error.message)
    throw error
  }
}

/** As {@link goPlugin}, outside of a test. @throws {UnavailableError} where it cannot be built. */
export async function builtPlugin(plugin: GoPlugin): Promise<string> {
  const path = join(CACHE, plugin.version === '' ? plugin.name : `${plugin.name}-${plugin.version}`)
  const lock = `${path}.lock`
  for (;;) {
    if (existsSync(path)) return path
    mkdirSync(CACHE, { recursive: true })
    if (takeLock(lock)) break
    await sleep(250)
  }
  try {
    // Whoever held the lock before may have built it in the meantime.
    if (!existsSync(path)) await build(plugin, path)
    return path
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

/** Of several test files one builds; a lock that outlived its builder is taken over. */
function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'EEXIST') throw error
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - since > BUILD_LIMIT_MS + 5_000) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

async function build(plugin: GoPlugin, path: string): Promise<void> {
  const own = mkdtempSync(join(CACHE, 'build-'))
  const module = plugin.package ?? `github.com/hashicorp/${plugin.name}/cmd/${plugin.name}`
  const flags = ['-trimpath', '-ldflags=-s -w']
  const [args, cwd] =
    plugin.folder === undefined
      ? [['install', ...flags, `${module}@${plugin.version}`], own]
      : [['build', ...flags, '-o', join(own, plugin.name), '.'], join(ROOT, plugin.folder)]
  try {
    await run('go', args, { cwd, timeout: BUILD_LIMIT_MS, env: { ...process.env, GOBIN: own, CGO_ENABLED: '0' } })
    renameSync(join(own, plugin.folder === undefined ? (module.split('/').at(-1) ?? '') : plugin.name), path)
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string }
    const why = code === 'ENOENT' ? 'go is not installed' : (stderr ?? String(error)).trim().slice(-500)
    throw new UnavailableError(`${plugin.name} ${plugin.version} cannot be built: ${why}`, { cause: error })
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

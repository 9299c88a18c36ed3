import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './command.ts'

/** A package registry on this machine, which `npm` is pointed to. */
export interface Registry {
  readonly url: string
  /** Packs `files` as the package would be published, and serves it. */
  publish(manifest: { readonly name: string; readonly version: string } & object, files: Record<string, string>): void
  /** Serves other bytes for a version; with `integrity` that fits them, or the old one. */
  tamper(name: string, version: string, files: Record<string, string>, fits: boolean): void
}

interface Release {
  readonly manifest: object
  tarball: Buffer
  integrity: string
}

export async function startRegistry(t: TestContext): Promise<Registry> {
  const releases = new Map<string, Map<string, Release>>()
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const [name = '', file] = path.split('/-/')
    const versions = releases.get(name)
    if (versions === undefined) return void response.writeHead(404).end('{"error":"not found"}')
    if (file === undefined) {
      response.setHeader('content-type', 'application/json')
      return void response.end(JSON.stringify(packument(name, versions)))
    }
    response.end(versions.get(file.replace(/\.tgz$/, ''))?.tarball)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const packument = (name: string, versions: ReadonlyMap<string, Release>): object => ({
    name,
    'dist-tags': { latest: [...versions.keys()].at(-1) },
    versions: Object.fromEntries(
      [...versions].map(([version, { manifest, integrity }]) => [
        version,
        { ...manifest, dist: { tarball: `${url}${name}/-/${version}.tgz`, integrity } },
      ]),
    ),
  })
  return {
    url,
    publish(manifest, files) {
      const versions = releases.get(manifest.name) ?? new Map<string, Release>()
      versions.set(manifest.version, { manifest, ...packed(t, manifest, files) })
      releases.set(manifest.name, versions)
    },
    tamper(name, version, files, fits) {
      const release = releases.get(name)?.get(version)
      if (release === undefined) throw new Error('nothing to tamper with')
      const { tarball, integrity } = packed(t, release.manifest, files)
      release.tarball = tarball
      if (fits) release.integrity = integrity
    },
  }
}

function packed(t: TestContext, manifest: object, files: Record<string, string>): Omit<Release, 'manifest'> {
  const folder = temporaryFolder(t)
  for (const [name, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text, { mode: 0o755 })
  }
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: folder,
    env: { ...process.env, npm_config_dry_run: 'false' },
  })
  const name = execFileSync('sh', ['-c', 'ls *.tgz'], { cwd: folder, encoding: 'utf8' }).trim()
  const tarball = readFileSync(join(folder, name))
  return { tarball, integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}` }
}

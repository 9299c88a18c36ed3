import { createRequire } from 'node:module'

/** What the command tells of the package. */
interface Manifest {
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** The package's own `package.json`; an import of it would put a copy into the build. */
export const manifest: Manifest = createRequire(import.meta.url)('portcullis/package.json')

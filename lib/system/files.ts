import type { BigIntStats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { WatchedFiles } from '../ports/files.ts'

/** Largest file that is read; tokens, certificates and policies are far smaller. */
const MAX_BYTES = 1024 * 1024

/** The machine's files. */
export const systemFiles: WatchedFiles = Object.freeze({
  async readText(path: string): Promise<string> {
    const handle = await open(path, 'r')
    try {
      const buffer = Buffer.alloc(MAX_BYTES + 1)
      let length = 0
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
        length += bytesRead
        if (length > MAX_BYTES) throw new RangeError(`${path} is larger than ${MAX_BYTES} bytes`)
        if (bytesRead === 0) return buffer.toString('utf8', 0, length)
      }
    } finally {
      await handle.close()
    }
  },
  async list(folder: string, ending: string): Promise<readonly string[]> {
    return (await filesIn(folder, ending)).map(({ name }) => name)
  },
  async signature(folder: string, ending: string): Promise<string> {
    const files = await filesIn(folder, ending)
    return files.map(({ name, stats: { ino, mtimeNs, ctimeNs, size } }) => [name, ino, mtimeNs, ctimeNs, size]).join()
  },
})

async function filesIn(
  folder: string,
  ending: string,
): Promise<readonly { readonly name: string; readonly stats: BigIntStats }[]> {
  const found: { readonly name: string; readonly stats: BigIntStats }[] = []
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ending)) continue
    // Follows links: the files of a Kubernetes ConfigMap are links into a hidden folder.
    const stats = await stat(join(folder, name), { bigint: true })
    if (stats.isFile()) found.push({ name, stats })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

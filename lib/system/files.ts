import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Files } from '../ports/files.ts'

/** Largest file that is read; tokens, certificates and policies are far smaller. */
const MAX_BYTES = 1024 * 1024

/** The machine's files. */
export const systemFiles: Files = Object.freeze({
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
    const names: string[] = []
    for (const name of await readdir(folder)) {
      // Follows links: the files of a Kubernetes ConfigMap are links into a hidden folder.
      if (name.endsWith(ending) && (await stat(join(folder, name))).isFile()) names.push(name)
    }
    return names.sort()
  },
})

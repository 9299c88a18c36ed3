import { constants } from 'node:fs'
import { chmod, chown, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Random } from '../../ports/random.ts'
import { failure } from './failure.ts'
import { hashCopy, MAX_PLUGIN_BYTES } from './hash-copy.ts'

/** Which file, and what it has to be. */
export interface ArtefactSource {
  readonly plugin: string
  readonly path: string
  /** Lower-case hex. */
  readonly sha256: string
}

/** Who may run a copy, and change it least of all. */
export interface CopyOwner {
  readonly gid: number
}

const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * A copy of the registered file that is ours alone: `FOLDER/SHA256/NAME`, mode 0500.
 *
 * The file is opened once and copied while it is hashed, so that what was hashed is what is run, whatever
 * happens to the file meanwhile. A copy that is there already is hashed anew before each start, and made anew
 * where it is not what it was. The name is kept, since interpreters look at endings.
 *
 * @returns path of the copy.
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_HASH` for other bytes, a link, or what is no file;
 *   `ERR_PORTCULLIS_PLUGIN_START` where it cannot be read or copied.
 */
export async function keepArtefact(source: ArtefactSource, folder: string, random: Random): Promise<string> {
  const home = join(folder, source.sha256)
  const copy = join(home, basename(source.path))
  await trying(source, () => mkdir(home, { recursive: true, mode: 0o700 }))
  if (await isIntact(copy, source.sha256)) {
    // The registered file is still looked at: one that was tampered with must be heard of.
    await copyTo(source, undefined)
    return copy
  }
  const draft = join(home, `.draft-${random.uuid()}`)
  try {
    await copyTo(source, draft)
    await trying(source, () => rename(draft, copy))
    return copy
  } finally {
    await rm(draft, { force: true })
  }
}

/**
 * A copy for the eyes of one group: not even its owner's plugin can change it.
 *
 * @throws {PluginError} as {@link keepArtefact}.
 */
export async function lendArtefact(source: ArtefactSource, target: string, owner: CopyOwner): Promise<void> {
  await copyTo(source, target)
  await trying(source, async () => {
    await chown(target, 0, owner.gid)
    await chmod(target, 0o550)
  })
}

/** Hashes the file, copying it on the way where `target` is told. */
async function copyTo(source: ArtefactSource, target: string | undefined): Promise<void> {
  const input = await opened(source)
  try {
    const output = target === undefined ? undefined : await trying(source, () => open(target, 'wx', 0o500))
    const sha256 = await trying(source, () => hashCopy(input, output)).finally(() => output?.close())
    if (sha256 === source.sha256) return
    if (target !== undefined) await rm(target, { force: true })
    throw failure('ERR_PORTCULLIS_PLUGIN_HASH', source, `the SHA-256 of ${source.path} differs from the registered one`)
  } finally {
    await input.close()
  }
}

async function opened(source: ArtefactSource): Promise<FileHandle> {
  let handle: FileHandle
  try {
    handle = await open(source.path, constants.O_RDONLY | SAFELY)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== 'ELOOP') throw unusable(source, cause)
    throw failure('ERR_PORTCULLIS_PLUGIN_HASH', source, `${source.path} is a symbolic link`, { cause })
  }
  const stats = await handle.stat()
  if (stats.isFile() && stats.size <= MAX_PLUGIN_BYTES) return handle
  await handle.close()
  throw failure(
    'ERR_PORTCULLIS_PLUGIN_HASH',
    source,
    `${source.path} is no file, or one of more than ${MAX_PLUGIN_BYTES} bytes`,
  )
}

async function isIntact(copy: string, sha256: string): Promise<boolean> {
  let handle: FileHandle
  try {
    handle = await open(copy, constants.O_RDONLY | SAFELY)
  } catch {
    return false
  }
  try {
    const stats = await handle.stat()
    const isOurs = stats.isFile() && stats.uid === process.getuid?.() && (stats.mode & 0o7777) === 0o500
    return isOurs && stats.size <= MAX_PLUGIN_BYTES && (await hashCopy(handle, undefined)) === sha256
  } catch {
    return false
  } finally {
    await handle.close()
  }
}

async function trying<T>(source: ArtefactSource, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw unusable(source, cause)
  }
}

function unusable(source: ArtefactSource, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? 'it failed'
  return failure('ERR_PORTCULLIS_PLUGIN_START', source, `${source.path} cannot be read or copied: ${code}`, { cause })
}

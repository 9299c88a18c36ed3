import { constants } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { segmentNumber } from '../../audit/spool/segment-name.ts'

const OTHERS = 0o077

/**
 * Makes the folder with mode 0700 where it is not there.
 *
 * @throws {Error} it is no folder, or group or others may enter it: what they put there would be shipped as ours.
 */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const stats = await stat(path)
  // Windows has no such rights, and tells them for every folder.
  if (process.platform !== 'win32' && (stats.mode & OTHERS) !== 0)
    throw new Error(`group or others may use ${path}; set its mode to 0700`)
}

/** Numbers of the segments in the folder, in order. */
export async function listSegments(folder: string): Promise<readonly number[]> {
  const numbers = (await readdir(folder)).map(segmentNumber)
  return numbers.filter((number) => number !== undefined).sort((a, b) => a - b)
}

/** Makes what was made or removed in the folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its own journal has to do.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const SET_ASIDE = 'set-aside.txt'
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/** Keeps lines that cannot be shipped beside the spool. Gives `false` where they could not be kept: too many are there, or the disk is full. */
export async function setAside(folder: string, lines: readonly Buffer[], maxBytes: number): Promise<boolean> {
  try {
    const handle = await open(join(folder, SET_ASIDE), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
    try {
      const text = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
      const { size } = await handle.stat()
      if (size + text.length > maxBytes) return false
      await handle.writeFile(text)
      return true
    } finally {
      await handle.close()
    }
  } catch {
    return false
  }
}

import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '../exit.ts'

/** A file as it was read. */
export interface TextFile {
  /** As it was named. */
  readonly file: string
  readonly text: string
}

/** Ending of tests of policies, which stand beside them and are none; the gateway passes over them, too. */
const TEST = '.policy-test.json'
/** Larger than any policy, so that the policy's own limit is what is told. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Texts of policy files: those named, and those directly in the folders named, as the gateway takes a folder.
 *
 * @throws {CommandError} `ERR_INPUT`: a file cannot be read, or a folder has no policy in it.
 */
export function readPolicyFiles(paths: readonly string[]): Promise<readonly TextFile[]> {
  const isPolicy = (name: string): boolean => name.endsWith('.json') && !name.endsWith(TEST)
  return readFiles(paths, isPolicy, 'there is no policy in', 'none of its files ends in .json')
}

/** Texts of tests of policies: those named, and those directly in the folders named. @throws {CommandError} `ERR_INPUT` */
export function readTestFiles(paths: readonly string[]): Promise<readonly TextFile[]> {
  const isTest = (name: string): boolean => name.endsWith(TEST)
  return readFiles(paths, isTest, 'there is no test of policies in', `none of its files ends in ${TEST}`)
}

async function readFiles(
  paths: readonly string[],
  isMeant: (name: string) => boolean,
  ...none: readonly [none: string, why: string]
): Promise<readonly TextFile[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const files = await filesOf(path, isMeant)
      if (files.length === 0) throw new CommandError(`${none[0]} ${path}: ${none[1]}`, 'ERR_INPUT')
      return files
    }),
  )
  return Promise.all([...new Set(found.flat())].map(readTextFile))
}

/** The file itself, or the files directly in a folder that are meant, in the gateway's order. */
async function filesOf(path: string, isMeant: (name: string) => boolean): Promise<readonly string[]> {
  const isFolder = (await reading(path, () => stat(path))).isDirectory()
  if (!isFolder) return [path]
  const files: string[] = []
  for (const name of (await reading(path, () => readdir(path))).filter(isMeant).sort()) {
    const file = join(path, name)
    if ((await reading(file, () => stat(file))).isFile()) files.push(file)
  }
  return files
}

/** Text of one file, or of standard input for `-`. @throws {CommandError} `ERR_INPUT` */
export async function readTextFile(file: string): Promise<TextFile> {
  if (file === '-') return { file: 'standard input', text: await readInput() }
  return reading(file, async () => {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      if (size > MAX_BYTES) throw new CommandError(`${file} is larger than ${MAX_BYTES} bytes`, 'ERR_INPUT')
      return { file, text: await handle.readFile('utf8') }
    } finally {
      await handle.close()
    }
  })
}

async function readInput(): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_BYTES) throw new CommandError(`standard input is larger than ${MAX_BYTES} bytes`, 'ERR_INPUT')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'you may not read it',
  EISDIR: 'it is a folder',
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof CommandError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new CommandError(`${path} cannot be read: ${REASONS[code] ?? message}`, 'ERR_INPUT')
  }
}

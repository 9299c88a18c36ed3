import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { CommandError } from '../exit.ts'

/** Largest file read, in UTF-16 units. */
export const HCL_MAX_LENGTH: number = 1024 * 1024
/** Deepest nesting of brackets, wherever they stand: some thousands break any parser there is. */
export const HCL_MAX_DEPTH = 100
/** Longest a parser may take; milliseconds. */
const TIMEOUT_MS = 20_000

/**
 * What stands in a file of HCL 1, or of JSON, as the server reads it: every block is a list, in the order of the file.
 *
 * In a thread of its own, which is ended when it takes too long, since the parser (hashicorp/hcl, compiled) can be broken.
 *
 * @param file - Its name, for messages.
 * @throws {CommandError} `ERR_INPUT`: it cannot be parsed, and where; `ERR_COMMAND_FAILED`: js-hcl-parser is not installed.
 */
export async function parseHcl(file: string, text: string): Promise<unknown> {
  if (text.length > HCL_MAX_LENGTH) throw refusal(file, `it is larger than ${HCL_MAX_LENGTH} characters`)
  if (isNestedTooDeep(text)) throw refusal(file, `its brackets are nested deeper than ${HCL_MAX_DEPTH} levels`)
  if (!isInstalled()) {
    throw new CommandError(`${file} is HCL, which the package js-hcl-parser reads: npm install js-hcl-parser`)
  }
  const answer = await inThread(file, text)
  try {
    return JSON.parse(answer)
  } catch {
    // The parser gives what is wrong in place of a result, and may quote the file.
    const [, line, column] = /At (\d+):(\d+)/.exec(answer) ?? []
    throw refusal(
      file,
      line === undefined ? 'it is not valid HCL' : `it is not valid HCL at line ${line}, column ${column}`,
    )
  }
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('js-hcl-parser')
    return true
  } catch {
    return false
  }
}

function inThread(file: string, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url), {
    workerData: text,
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 4 },
  })
  const timer = setTimeout(() => reject(refusal(file, `it was not read within ${TIMEOUT_MS} ms`)), TIMEOUT_MS)
  worker.once('message', (answer) => resolve(String(answer)))
  worker.once('error', () => reject(refusal(file, 'it cannot be read')))
  worker.once('exit', () => reject(refusal(file, 'it cannot be read')))
  return promise.finally(() => {
    clearTimeout(timer)
    return worker.terminate()
  })
}

function isNestedTooDeep(text: string): boolean {
  let depth = 0
  for (const bracket of text.match(/[[\](){}]/g) ?? []) {
    depth = '[({'.includes(bracket) ? depth + 1 : Math.max(depth - 1, 0)
    if (depth > HCL_MAX_DEPTH) return true
  }
  return false
}

function refusal(file: string, why: string): CommandError {
  return new CommandError(`${file} cannot be read: ${why}`, 'ERR_INPUT')
}

import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MAX_PLUGIN_BYTES } from '../../process/hash-copy.ts'
import { installError, reasonOf } from '../failure.ts'
import type { PluginSource } from '../source.ts'
import type { FetchContext, Fetched } from './fetched.ts'
import { nameOfFile } from './file.ts'

const MAX_REDIRECTS = 5
/** Longest silence of the server, in milliseconds. */
const SILENCE_MS = 60_000
const REPORT_BYTES = 8 * 1024 * 1024

/** Downloads a file over https; bytes of another hash are dropped before anything else sees them. */
export async function fetchHttps(
  { url, sha256 }: Extract<PluginSource, { kind: 'https' }>,
  context: FetchContext,
): Promise<Fetched> {
  const shown = shownUrl(new URL(url))
  context.progress(`downloading ${shown}`)
  const path = join(context.stage, 'plugin')
  const found = await download(url, path, context).catch((cause: unknown) => {
    context.signal?.throwIfAborted()
    const isOurs = (cause as { code?: unknown }).code === 'ERR_PORTCULLIS_PLUGIN_INSTALL'
    throw isOurs ? cause : installError(`${shown} cannot be downloaded: ${whyNot(cause)}`, { cause })
  })
  if (found !== sha256)
    throw installError(
      `${shown} has the SHA-256 ${found}, not the one that was asked for: the file was changed, or the hash is wrong`,
    )
  return { path, sha256, name: nameOfFile(basename(new URL(url).pathname)), version: '' }
}

async function download(url: string, path: string, context: FetchContext): Promise<string> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENCE_MS)
  const signals = context.signal === undefined ? [silence.signal] : [silence.signal, context.signal]
  try {
    const response = await answered(new URL(url), AbortSignal.any(signals))
    const output = await open(path, 'wx', 0o700)
    try {
      return await save(response, output, (bytes) => {
        timer.refresh()
        context.progress(`downloaded ${Math.round(bytes / 1024 / 1024)} MiB`)
      })
    } finally {
      await output.close()
    }
  } finally {
    clearTimeout(timer)
    // Whatever is left of a body holds its connection.
    silence.abort()
  }
}

/** The answer at the end of redirects, each of which has to be https. */
async function answered(first: URL, signal: AbortSignal): Promise<Response> {
  let url = first
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await fetch(url, { redirect: 'manual', signal, headers: { accept: '*/*' } })
    const location = response.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
      if (response.status === 200) return response
      throw installError(`${shownUrl(url)} answered with status ${response.status}`)
    }
    await response.body?.cancel()
    url = new URL(location, url)
    if (url.protocol !== 'https:') throw installError(`${shownUrl(first)} redirects to what is not https`)
  }
  throw installError(`${shownUrl(first)} redirects more than ${MAX_REDIRECTS} times`)
}

async function save(response: Response, output: FileHandle, report: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256')
  let total = 0
  let reported = 0
  for await (const chunk of response.body ?? []) {
    total += chunk.length
    if (total > MAX_PLUGIN_BYTES) throw installError(`the download is larger than ${MAX_PLUGIN_BYTES} bytes`)
    hash.update(chunk)
    await output.writeFile(chunk)
    if (total - reported < REPORT_BYTES) continue
    reported = total
    report(total)
  }
  await output.sync()
  return hash.digest('hex')
}

/** Without its query, which may hold a signature. */
function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}

function whyNot(cause: unknown): string {
  const { name, cause: inner } = cause as Error
  if (name === 'AbortError') return `the server said nothing for ${SILENCE_MS / 1000} s`
  return inner === undefined ? reasonOf(cause) : reasonOf(inner)
}

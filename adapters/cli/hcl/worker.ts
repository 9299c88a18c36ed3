import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

// CommonJS, and of a kind whose names an import does not find.
const { parse } = createRequire(import.meta.url)('js-hcl-parser') as { parse(text: string): string }
parentPort?.postMessage(parse(workerData as string))

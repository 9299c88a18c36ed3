import { Buffer } from 'node:buffer'
import { parseObject } from '../../../model/parse-json.ts'
import type { Store } from '../../../ports/store.ts'
import { viewOf } from '../../storage/view.ts'
import { removeAll } from '../documents.ts'
import { DONE } from '../outcome.ts'
import { refuse, unsupportedOperation, wrapped } from '../refusal.ts'
import type { Tokens } from '../tokens.ts'
import type { OwnHandler } from './call.ts'

/** Bytes that one token may store. */
const MAX_BYTES = 1024 * 1024

/** `cubbyhole/…`: storage of one token, which nobody else sees and which goes with it. */
export function createCubbyholeHandler(store: Store, tokens: Tokens): OwnHandler {
  tokens.onEnd((token) => removeAll(store, folderOf(token.hash)))
  return async ({ operation, rest, data, token }) => {
    if (token === undefined || token.record.type === 'batch') throw refuse(400, 'this token has no cubbyhole')
    const view = viewOf(store, folderOf(token.hash), { maxBytes: MAX_BYTES, keys: 'server' })
    switch (operation) {
      case 'list':
      case 'scan': {
        const keys = await view.list(rest === '' || rest.endsWith('/') ? rest : `${rest}/`)
        if (keys.length === 0) throw refuse(404)
        return { data: { keys } }
      }
      case 'read': {
        if (rest === '') throw refuse(500, wrapped('missing path'))
        const bytes = await view.get(rest)
        if (bytes === undefined) throw refuse(404)
        return { data: parseObject(bytes) ?? {} }
      }
      case 'write':
        if (rest === '' || rest.endsWith('/')) throw refuse(400, "cannot write to a path ending in '/'")
        if (Object.keys(data).length === 0) throw refuse(500, wrapped('missing data fields'))
        await view.write([{ key: rest, value: Buffer.from(JSON.stringify(data)) }])
        return DONE
      case 'delete':
        if (rest !== '') await view.write([{ key: rest, value: undefined }])
        return DONE
      default:
        throw unsupportedOperation()
    }
  }
}

function folderOf(hash: string): string {
  return `core/cubbyhole/${hash}/`
}

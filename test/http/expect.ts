import assert from 'node:assert/strict'
import { ServerError } from '../../lib/errors/index.ts'
import { assertNoLeak } from './leaks.ts'

/** The `ServerError` that `call` rejects with; checked for leaks on the way. */
export async function failing(call: Promise<unknown>, code: string): Promise<ServerError> {
  const error = await call.then(
    () => assert.fail('resolved'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ServerError, String(error))
  assert.equal(error.code, `ERR_PORTCULLIS_SERVER_${code}`, error.message)
  assertNoLeak(error)
  return error
}

import { ServerError } from '../errors/index.ts'
import type { JsonObject } from '../model/json.ts'

/** The string field `name` of an answer to `path`. @throws {ServerError} `ERR_PORTCULLIS_SERVER_BAD_ANSWER` where there is none. */
export function textField(data: JsonObject, name: string, operation: string, path: string): string {
  const value = data[name]
  if (typeof value === 'string') return value
  const message = `${operation} ${path}: the answer has no field ${name}; is another kind of mount there?`
  throw new ServerError('ERR_PORTCULLIS_SERVER_BAD_ANSWER', message, { operation, path, status: 200 })
}

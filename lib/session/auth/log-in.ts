import type { JsonObject } from '../../model/json.ts'
import type { Login, LoginContext } from '../../ports/auth-method.ts'
import { granted } from './granted.ts'

/** Writes `data` to a login path and takes the token that is answered. @throws as {@link granted} and the exchange do. */
export async function logIn(context: LoginContext, method: string, path: string, data: JsonObject): Promise<Login> {
  const answer = await context.send({ operation: 'write', path, data })
  return { grant: granted(answer, method), owned: true }
}

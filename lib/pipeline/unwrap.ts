import { PolicyDeniedError } from '../errors/index.ts'
import type { Decision } from '../model/decision.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { OwnExchange } from '../ports/auth-method.ts'

/**
 * Refuses to unwrap a token that was not made at `creationPath`: what is inside could be anyone's.
 *
 * @param request - The unwrapping, decided already: who may not unwrap learns nothing about tokens.
 * @throws {PolicyDeniedError} `ERR_PORTCULLIS_UNWRAP_MISMATCH`
 */
export async function checkCreationPath(
  exchange: OwnExchange,
  { namespace, data = {} }: GatewayRequest,
  creationPath: string,
): Promise<void> {
  const answer = await exchange({ operation: 'write', path: 'sys/wrapping/lookup', namespace, data })
  const madeAt = answer.data?.creation_path
  if (madeAt === creationPath) return
  const decision: Decision = Object.freeze({
    effect: 'deny',
    reason: 'wrapping',
    policy: undefined,
    rule: undefined,
    message: `the wrapped answer was not made at ${creationPath}: treat it as forged`,
  })
  throw new PolicyDeniedError('ERR_PORTCULLIS_UNWRAP_MISMATCH', decision.message, { decision })
}

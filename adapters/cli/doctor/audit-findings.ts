import type { Server } from '../server.ts'
import { type Finding, ok, warn } from './finding.ts'

const HEADER = 'X-Correlation-Id'
const PATH = `sys/config/auditing/request-headers/${HEADER}`
const COMMAND = `bao write ${PATH} hmac=false`

/** Does the server's log tell our ids of requests, so that both logs can be joined? Only an operator's token sees it. */
export async function auditFindings(server: Server): Promise<readonly Finding[]> {
  const { status, body } = await server.call('GET', PATH, undefined, [400, 403, 404])
  if (status === 403) return []
  const known = Object.entries(body?.data ?? body ?? {}).find(
    ([name]) => name.toLowerCase() === HEADER.toLowerCase(),
  )?.[1]
  const isHashed = (known as { readonly hmac?: unknown } | undefined)?.hmac
  if (isHashed === false)
    return [ok('audit', `the server's log tells ${HEADER}: "portcullis audit join" lines both logs up`)]
  const why = known === undefined ? 'does not tell' : 'hashes'
  return [
    {
      ...warn('audit', `the server's log ${why} ${HEADER}, by which both logs are joined; an operator runs:`),
      lines: [COMMAND],
    },
  ]
}

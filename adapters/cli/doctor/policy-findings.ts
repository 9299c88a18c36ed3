import type { CallerAttributes, Preflight } from 'portcullis'
import type { Server } from '../server.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** What is needed to look at policies. */
export interface PolicyQuestion {
  readonly policies: string
  readonly caller: CallerAttributes
  readonly way: Pick<Server, 'address' | 'token' | 'namespace' | 'caFile'>
}

/** Do the policies load, do they bind the caller, and may the token do what they promise? */
export async function policyFindings({ policies, caller, way }: PolicyQuestion): Promise<readonly Finding[]> {
  const { callback, createGateway, token } = await import('portcullis')
  const { address, namespace, caFile } = way
  const gateway = await createGateway({
    server: {
      address,
      ...(namespace === undefined ? {} : { namespace }),
      ...(caFile === undefined ? {} : { tls: { caFile } }),
    },
    auth: token({ token: way.token }),
    policies,
    caller,
    audit: { devices: [callback('doctor', () => {})] },
  })
  try {
    return preflightFindings(await gateway.preflight())
  } finally {
    await gateway.close()
  }
}

function preflightFindings({ paths, missing, own, hcl }: Preflight): readonly Finding[] {
  if (paths === 0) return [warn('policies', 'none of their rules allows this caller anything: is --caller right?')]
  const lacking = missing.map(({ path, missing: names, rules }) =>
    fail('rights', `${path}: the token lacks ${names.join(', ')}, which ${rules.join(', ')} promises`),
  )
  const enough = ok('rights', `the token may do what the policies promise, at all ${paths} paths`)
  const ours = own.map(({ path, capability, what }) =>
    warn('rights', `${path}: the token lacks ${capability}: ${what}`),
  )
  const texts = Object.entries(hcl).map(([namespace, text]): Finding => {
    const where = namespace === '' ? '' : ` in namespace ${namespace}`
    const message = `this server policy would grant what is missing${where}:`
    return { level: 'fail', what: 'rights', message, lines: text.trimEnd().split('\n') }
  })
  return [...(missing.length === 0 ? [enough] : [...lacking, ...texts]), ...ours]
}

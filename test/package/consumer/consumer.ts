import { type Answer, createGateway, file, PolicyDeniedError, token } from 'portcullis'
import { createPolicyEngine, parsePolicyText } from 'portcullis/policy'
import schema from 'portcullis/schemas/policy.schema.json' with { type: 'json' }
import * as testing from 'portcullis/testing'

export async function read(): Promise<Answer<{ readonly color: string }>> {
  const gateway = await createGateway({ auth: token({ token: 't' }), audit: { devices: [file('audit.jsonl')] } })
  return gateway.read<{ readonly color: string }>('secret/data/theme')
}

export async function policyNames(text: string): Promise<readonly string[]> {
  return (await createPolicyEngine([parsePolicyText('orders.json', text)], { namespace: '' })).policies
}

export const id: string = schema.$id
export const names: readonly string[] = Object.keys(testing)
export const isDenied = (error: unknown): boolean => error instanceof PolicyDeniedError

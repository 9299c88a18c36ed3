import { textField } from '../fields.ts'
import { DONE } from '../outcome.ts'
import type { PasswordPolicies } from '../password-policies.ts'
import { refuse, unsupportedOperation } from '../refusal.ts'
import type { OwnHandler } from './call.ts'

/** `sys/policies/password…`. */
export function createPasswordPolicyHandler(policies: PasswordPolicies): OwnHandler {
  return async ({ operation, rest, data }) => {
    const name = rest.replace(/\/$/, '')
    if (name === '' || operation === 'list') {
      if (operation !== 'list') throw unsupportedOperation()
      if (policies.names().length === 0) throw refuse(404)
      return { data: { keys: policies.names() } }
    }
    if (name.endsWith('/generate') && operation === 'read') {
      const wanted = name.slice(0, -'/generate'.length)
      if (policies.text(wanted) === undefined) throw refuse(404, 'policy does not exist')
      return { data: { password: policies.generate(wanted) } }
    }
    switch (operation) {
      case 'write':
        if (textField(data, 'policy') === '') throw refuse(400, 'missing policy')
        await policies.put(name, textField(data, 'policy'))
        return DONE
      case 'delete':
        await policies.remove(name)
        return DONE
      case 'read': {
        const text = policies.text(name)
        if (text === undefined) throw refuse(404)
        return { data: { policy: text } }
      }
      default:
        throw unsupportedOperation()
    }
  }
}

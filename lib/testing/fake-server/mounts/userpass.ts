import type { JsonObject } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { Refusal } from '../exchange.ts'
import { textField } from './fields.ts'
import { listOf } from './kv1.ts'
import { roleToken, tokenSettings } from './token-settings.ts'

/** Userpass; LDAP has the same shape. Folds case in names, as servers do. */
export function createUserpass(): Backend {
  const users = new Map<string, JsonObject>()
  return {
    isOpen: (rest) => rest.startsWith('login/'),
    handle(call): Outcome {
      const [, part = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(call.rest.toLowerCase()) ?? []
      if (part === 'login') return login(users.get(name), name, call)
      if (part !== 'users') throw new Refusal(404, 'unsupported path')
      return onUser(users, name, call)
    },
  }
}

function onUser(users: Map<string, JsonObject>, name: string, { operation, data }: Call): Outcome {
  if (operation === 'list') return listOf(users, '')
  if (operation === 'delete') users.delete(name)
  else if (operation === 'write') users.set(name, { ...users.get(name), ...data })
  else {
    const user = users.get(name)
    if (user === undefined) throw new Refusal(404)
    const { password, ...rest } = user
    void password
    return { data: rest }
  }
  return {}
}

function login(user: JsonObject | undefined, name: string, call: Call): Outcome {
  const password = textField(call.data, 'password')
  if (user === undefined || password === '' || user.password !== password)
    throw new Refusal(400, 'invalid username or password')
  return { login: roleToken(call, tokenSettings(user), `userpass-${name}`, { username: name }) }
}

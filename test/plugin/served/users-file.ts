import { readFileSync, writeFileSync } from 'node:fs'
import { type DatabaseDriver, definePlugin, PluginRefusal, serve } from 'portcullis/plugin'

/** A database driver whose database is a JSON file: passwords by user. */
function open(): DatabaseDriver {
  let file = ''
  const users = (): Record<string, string> => JSON.parse(readFileSync(file, 'utf8'))
  const change = (work: (all: Record<string, string>) => void): void => {
    const all = users()
    work(all)
    writeFileSync(file, JSON.stringify(all))
  }
  let next = 1
  return {
    async initialize(config, verifyConnection) {
      file = String(config.file)
      try {
        if (verifyConnection) users()
      } catch {
        throw new PluginRefusal('the file cannot be read')
      }
      return { ...config, supported_credential_types: ['password'] }
    },
    async newUser({ roleName, password, statements }) {
      const name = `${roleName}-${statements.join('+')}-${next++}`
      change((all) => {
        all[name] = password
      })
      return name
    },
    async updateUser({ username, password }) {
      change((all) => {
        all[username] = password?.value ?? ''
      })
    },
    async deleteUser(username) {
      change((all) => {
        delete all[username]
      })
    },
    type: async () => 'users-file',
    async close() {},
  }
}

await serve(definePlugin({ name: 'users-file', version: 'v0.1.0', type: 'database', open }))

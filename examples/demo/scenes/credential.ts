import { seconds } from '../screen.ts'
import type { Scene } from './scene.ts'

export const useCredential: Scene = async ({ screen, gateway, world: { operator, place } }) => {
  screen.step('A database credential that works', `The ${place} makes a PostgreSQL user for this service, on a lease.`)
  await screen.run('credential made and used', async () => {
    const { username, password, answer } = await gateway.database().credentials('orders')
    screen.say(`user ${username}, lease for ${seconds(answer.ttlMs)}`)
    screen.say(`PostgreSQL says: ${await operator.whoAmI(username, password)}`)
    return `from the ${answer.source === 'server' ? place : answer.source}`
  })
}

export const shareCredential: Scene = async ({ screen, gateway, world: { operator, place } }) => {
  screen.step(
    'The same credential again, 200 times at once',
    'One lease serves them all; each is decided and recorded on its own.',
  )
  await screen.run('200 more reads', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => gateway.read('database/creds/orders')))
    const users = new Set(answers.map(({ data }) => data.username))
    screen.say(
      `${answers.length} answers, ${users.size} user; leases at the ${place}: ${await operator.leases('orders')}`,
    )
    return `from the ${answers[0]?.source}`
  })
}

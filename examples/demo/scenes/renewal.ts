import { seconds } from '../screen.ts'
import type { Credential, Scene } from './scene.ts'

export const renew: Scene = async ({ screen, gateway, world: { operator } }) => {
  screen.step('A lease that is renewed', 'What is held is given more time before it ends; the user stays the same.')
  const lease = await gateway.lease<Credential>('database/creds/renewed')
  try {
    const { data, ttlMs } = lease.current()
    screen.say(`user ${data.username}, lease for ${seconds(ttlMs)}`)
    await screen.run('lease renewed', async () => {
      const leftMs = await new Promise<number>((resolve) => {
        const startedAt = performance.now()
        lease.on('renewed', () => resolve(ttlMs - (performance.now() - startedAt)))
      })
      const { username, password } = lease.current().data
      if (username !== data.username) throw new Error('the demo expected the same user after a renewal')
      screen.say(`renewed with ${seconds(leftMs)} left, ${seconds(lease.current().ttlMs)} again`)
      screen.say(`PostgreSQL says: ${await operator.whoAmI(username, password)}`)
      return 'same user'
    })
  } finally {
    await lease.close()
  }
}

import { green, seconds } from '../screen.ts'
import type { Scene } from './scene.ts'

export const logIn: Scene = async ({ screen, gateway, world: { logsIn, place } }) => {
  screen.step('Log in and read', logsIn)
  gateway.on('login', ({ method, ttlMs }) => screen.say(`logged in with ${method}, token lives ${seconds(ttlMs)}`))
  await screen.run('login and first read', async () => {
    const { value, answer } = await gateway.kv('kv').read('orders/theme')
    screen.say(`kv/orders/theme = ${JSON.stringify(value)}`)
    screen.say(green(`allowed by policy ${answer.decision.policy}, rule ${answer.decision.rule}`))
    return `allowed, from the ${answer.source === 'server' ? place : answer.source}`
  })
}

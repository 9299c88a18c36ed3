import { PolicyDeniedError } from 'portcullis'
import { green, red, type Screen } from '../screen.ts'
import type { Scene } from './scene.ts'

export const refuseRead: Scene = async ({ screen, gateway }) => {
  screen.step('A read that policy refuses', 'The token may read it; the local guardrail says no, and nothing is sent.')
  await screen.run('read of kv/payroll', async () => {
    await refused(screen, () => gateway.kv('kv').read('payroll/salaries'))
    return 'refused, nothing sent'
  })
}

export const refuseData: Scene = async ({ screen, gateway }) => {
  screen.step(
    'A request that its schema refuses',
    'Policy checks what is asked, not only where: this plaintext is too long.',
  )
  await screen.run('transit call, good', async () => {
    const ciphertext = await gateway.transit().encrypt('cards', '4111 1111 1111 1111')
    screen.say(green(`encrypted: ${ciphertext.slice(0, 24)}…`))
    return 'allowed'
  })
  await screen.run('transit call, too long', async () => {
    await refused(screen, () => gateway.transit().encrypt('cards', 'x'.repeat(1000)))
    return 'refused, nothing sent'
  })
}

async function refused(screen: Screen, call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof PolicyDeniedError)) throw error
    screen.say(red(error.message))
    return
  }
  throw new Error('the demo expected a refusal')
}

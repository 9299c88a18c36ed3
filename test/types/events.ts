import type { Decision, Gateway, GatewayEvents } from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

/** What listeners are told. Only compiled. */
export function listeners(gateway: Gateway): void {
  const chained = gateway.on('denied', ({ operation, path, decision }) => {
    expectTypes<
      [
        Equal<typeof operation, 'read' | 'list' | 'scan' | 'write' | 'patch' | 'delete'>,
        Equal<typeof path, string>,
        Equal<typeof decision, Decision>,
      ]
    >()
  })
  expectTypes<
    [
      Equal<typeof chained, Gateway>,
      Equal<
        keyof GatewayEvents,
        | 'denied'
        | 'policiesReloaded'
        | 'policiesRefused'
        | 'login'
        | 'loginFailed'
        | 'tokenRenewed'
        | 'renewed'
        | 'rotated'
        | 'ended'
        | 'leaseFailing'
        | 'leaked'
        | 'warning'
      >,
    ]
  >()
  // @ts-expect-error: no such event
  gateway.on('refused', () => undefined)
  // @ts-expect-error: an event has no such field
  gateway.on('login', ({ token }) => token)
}

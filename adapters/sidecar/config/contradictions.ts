import type { ListenerConfig, SidecarConfig } from './config.ts'
import type { ConfigFault } from './read-config.ts'
import { tcpAddress } from './tcp-address.ts'

/** What a schema cannot say of a configuration that is valid by itself. */
export function contradictions(config: SidecarConfig): readonly ConfigFault[] {
  const { listeners, tokens, auth, server } = config
  const faults = listeners.flatMap((listener, at) =>
    listenerFaults(listener, tokens !== undefined).map(([key, message]) => ({
      pointer: `/listeners/${at}${key}`,
      message,
    })),
  )
  if (auth.cert !== undefined && server.tls?.certFile === undefined)
    faults.push({ pointer: '/auth/cert', message: 'needs /server/tls/certFile and keyFile' })
  for (const [at, { file, stdout }] of config.audit.devices.entries()) {
    if ((file === undefined) === (stdout === undefined))
      faults.push({ pointer: `/audit/devices/${at}`, message: 'must have either file or stdout' })
  }
  const places = listeners.map(({ tcp, unix }) => tcp ?? unix ?? '')
  for (const [at, place] of places.entries()) {
    if (!place.endsWith(':0') && places.indexOf(place) !== at)
      faults.push({ pointer: `/listeners/${at}`, message: 'another listener has the same address' })
  }
  return faults
}

function listenerFaults(listener: ListenerConfig, hasTokens: boolean): readonly (readonly [string, string])[] {
  const { tcp, unix, mode, tls, caller, certificates, passThrough } = listener
  const faults: (readonly [string, string])[] = []
  if ((tcp === undefined) === (unix === undefined)) faults.push(['', 'must have either tcp or unix'])
  if (unix !== undefined && tls !== undefined) faults.push(['/tls', 'goes with tcp alone'])
  if (unix === undefined && mode !== undefined) faults.push(['/mode', 'goes with unix alone'])
  const address = tcp === undefined ? undefined : tcpAddress(tcp)
  if (tcp !== undefined && address === undefined) faults.push(['/tcp', 'must be host:port, such as 127.0.0.1:8100'])
  if (address?.isLoopback === false && tls === undefined && listener.dangerouslyPlaintext !== true)
    faults.push(['/tcp', 'is reached from other machines: give tls, or listen on 127.0.0.1'])
  if (certificates !== undefined && tls?.clientCaFile === undefined)
    faults.push(['/certificates', 'needs tls.clientCaFile, which says whose certificates are believed'])
  const hasCaller = caller !== undefined || certificates !== undefined || passThrough === true || hasTokens
  if (!hasCaller)
    faults.push(['', 'would answer nobody: give caller, certificates, passThrough, or a file of local tokens'])
  return faults
}

import { EventsService, ObservationsService } from '../wire/gen/services.ts'
import type { GrpcServer } from '../wire/grpc/server.ts'
import { structFromWire } from '../wire/struct.ts'
import type { BackendServices } from './plugins.ts'

const MAX_TYPE = 256
const EMPTY = Object.freeze({})

/** Takes what a backend says that happened; listeners cannot fail it, and nobody listens to observations. */
export function serveEvents(server: GrpcServer, onEvent: BackendServices['onEvent']): void {
  server.add(EventsService, {
    sendEvent: ({ eventType, event }) => {
      try {
        onEvent?.(eventType.slice(0, MAX_TYPE), structFromWire(event?.metadata))
      } catch {
        // What a listener does is no trouble of the plugin's.
      }
      return EMPTY
    },
  })
  server.add(ObservationsService, { recordObservation: () => EMPTY })
}

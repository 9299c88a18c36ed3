import type { BackendRequest } from '../model/backend.ts'

/** A request as the wire brings it: hosts invent operations, so the operation is any text. */
export interface InstanceRequest extends Omit<BackendRequest, 'operation'> {
  readonly operation: string
}

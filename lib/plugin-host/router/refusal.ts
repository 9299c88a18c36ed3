/** A refusal in the server's own words, thrown by whatever finds that it cannot go on. No `Error`: it is no fault, and costs no stack. */
export class Refusal {
  /** HTTP status. */
  readonly status: number
  readonly errors: readonly string[]

  constructor(status: number, errors: readonly string[]) {
    this.status = status
    this.errors = errors
  }
}

/** To be thrown. No words is the server's "nothing there". */
export function refuse(status: number, ...errors: readonly string[]): Refusal {
  return new Refusal(status, errors)
}

/** An error on the way of a request that had a token, as the server words it. Logins get it bare. */
export function wrapped(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`
}

/** The refusal for lack of rights. A dead token is told bare: gateways tell the two apart by it. */
export function denied(): Refusal {
  return refuse(403, wrapped('permission denied'))
}

/** The refusal of a path that no handler of the host's own has. */
export function unsupportedPath(): Refusal {
  return refuse(404, wrapped('unsupported path'))
}

/** The refusal of an operation that a path of the host's own does not have. */
export function unsupportedOperation(): Refusal {
  return refuse(405, wrapped('unsupported operation'))
}

/** A real server cannot be started here: a program or the network is missing. Not a failure of what is tested. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
}

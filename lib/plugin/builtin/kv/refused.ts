import { errorResponse, type HandlerResult } from '../../answer.ts'

/**
 * A request that is refused in words which callers know.
 *
 * Told as an error within the answer: servers pass that on word for word, and put other errors into a list with a headline.
 */
export class Refused extends Error {}

/** `handler`, whose {@link Refused} become answers of status 400. */
export function refusing<R>(
  handler: (request: R) => HandlerResult | Promise<HandlerResult>,
): (request: R) => Promise<HandlerResult> {
  return async (request) => {
    try {
      return await handler(request)
    } catch (error) {
      if (error instanceof Refused) return errorResponse(error.message)
      throw error
    }
  }
}

/** `check` of what is there; where the request is refused, it says so itself. */
export function existing<R>(check: (request: R) => Promise<boolean>): (request: R) => Promise<boolean> {
  return async (request) => {
    try {
      return await check(request)
    } catch (error) {
      if (error instanceof Refused) return false
      throw error
    }
  }
}

/** Runs a listener: what it throws, or rejects with, is its own affair. */
export function quietly(run: () => unknown): void {
  try {
    const result = run()
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // Its own affair.
  }
}

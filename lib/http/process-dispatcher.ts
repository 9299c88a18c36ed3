/** Where undici, Node's own copy and those from npm, keep the dispatcher that `fetch` uses by default. */
const KEYS: readonly symbol[] = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`))

/** What stood there when this module was first imported: before undici, if the import comes first. */
const before: readonly unknown[] = KEYS.map((key) => Reflect.get(globalThis, key))

/**
 * Puts back the dispatchers of the process.
 *
 * undici 8 puts an Agent of its own in both places when it is imported, over one that the program has
 * set through another version of it (a proxy, say). A library has no business there.
 */
export function restoreDispatchers(): void {
  KEYS.forEach((key, at) => {
    if (Reflect.get(globalThis, key) !== before[at]) Reflect.set(globalThis, key, before[at])
  })
}

/** Longest part of an id that is made of a path. */
const MAX_LENGTH = 100

/** Gives rules that are made here ids of their paths, each of its own. */
export function createRuleIds(): (path: string) => string {
  const taken = new Set<string>()
  return (path) => {
    const words =
      path
        .replaceAll('*', 'any')
        .replaceAll('+', 'one')
        .match(/[A-Za-z0-9_]+/g) ?? []
    const base = words.join('-').slice(0, MAX_LENGTH) || 'rule'
    let id = base
    for (let at = 2; taken.has(id); at += 1) id = `${base}-${at}`
    taken.add(id)
    return id
  }
}

import { checkPolicies, type PolicyCheckOptions, type PolicyFinding } from '../../../lib/policy/index.ts'

/** Findings of whole documents, in files `p0.json`, `p1.json`, … */
export async function findingsOf(
  documents: readonly object[],
  options?: PolicyCheckOptions,
): Promise<readonly PolicyFinding[]> {
  const files = documents.map((document, at) => ({ file: `p${at}.json`, text: JSON.stringify(document) }))
  return (await checkPolicies(files, options)).findings
}

/** Findings of one policy `p` with `rules`, as `code pointer`. */
export async function codesFor(...rules: readonly object[]): Promise<readonly string[]> {
  return (await findingsOf([{ policy: 'p', rules }])).map(({ code, pointer }) => `${code} ${pointer}`)
}

/** A rule that allows, denies or forbids. */
export function rule(effect: string, path: string, operations: readonly string[], rest: object = {}): object {
  return { path, operations, effect, ...rest }
}

import { data, type PluginAnswer } from '../../answer.ts'
import { compareBytes } from '../../overlay.ts'
import type { ListPage, PluginStorage } from '../../storage.ts'
import { decodeName, folderKey } from './keys.ts'

/** Names below `folder` of the secrets kept under `root`, sorted bytewise. */
export async function namesIn(
  storage: PluginStorage,
  root: string,
  folder: string,
  { after = '', limit = Infinity }: ListPage = {},
): Promise<readonly string[]> {
  const stored = await storage.list(folderKey(root, folder))
  // Encoded names do not sort as names do.
  const names = stored.some((name) => name.includes('%')) ? stored.map(decodeName).sort(compareBytes) : stored
  if (after === '' && limit === Infinity) return names
  const rest = after === '' ? names : names.filter((name) => compareBytes(name, after) > 0)
  return limit === Infinity ? rest : rest.slice(0, limit)
}

/** The answer of a list; one without names still carries warnings. */
export function namesAnswer(names: readonly string[]): PluginAnswer {
  return data(names.length === 0 ? {} : { keys: names })
}

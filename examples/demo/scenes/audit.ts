import { readFileSync } from 'node:fs'
import type { AuditEntry } from 'portcullis'
import { dim, red, type Screen } from '../screen.ts'
import type { World } from '../worlds/world.ts'

/** Shows what the run has left in its audit file. */
export function showAudit(screen: Screen, { place }: World, path: string): void {
  const entries = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry)
  screen.step(
    'The audit',
    `${entries.length} entries, each written before its answer was handed over; secrets stand as HMACs.`,
  )
  if (place === 'host') screen.say(dim('(from server: by what stands behind the gateway, here the host)'))
  const shown = [...entries.slice(0, 4), ...entries.slice(4).filter(({ decision }) => decision.effect === 'deny')]
  for (const entry of shown) screen.say(line(entry))
  const renewal = found(entries, ({ request }) => request.path === 'sys/leases/renew')
  const hit = found(entries, ({ response }) => response?.source === 'cache')
  screen.say(line(renewal))
  screen.say(line(hit))
  screen.say(dim(`whole: ${JSON.stringify(hit).slice(0, 420)}…`))
}

function found(entries: readonly AuditEntry[], isMeant: (entry: AuditEntry) => boolean): AuditEntry {
  const entry = entries.find(isMeant)
  if (entry === undefined) throw new Error('the demo expected an entry in the audit that is not there')
  return entry
}

function line({ sequence, type, caller, request, decision, response }: AuditEntry): string {
  const source = response === undefined ? '' : ` from ${response.source}`
  const by = decision.policy === undefined ? decision.reason : `${decision.policy}/${decision.rule}`
  const text = `#${sequence} ${type.padEnd(8)} ${caller.service} ${request.operation} ${request.path}${source}: ${decision.effect} (${by})`
  return decision.effect === 'deny' ? red(text) : text
}

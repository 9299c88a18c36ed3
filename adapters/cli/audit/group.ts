import type { Command } from 'commander'
import { addJoin } from './join.ts'

/** The group `portcullis audit`; one file a command. */
export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('read audits: no gateway and no server is needed')
    .enablePositionalOptions()
  addJoin(audit)
}

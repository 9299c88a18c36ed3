import { argv, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { FINDING_CODES } from '../../lib/policy/analysis/finding.ts'

/** What `lib/policy/analysis/README.md` has to be; this file, run as a script, prints it. */
export function findingTable(): string {
  const rows = Object.entries(FINDING_CODES).map(
    ([code, { severity, meaning }]) => `| \`${code}\` | ${severity} | ${meaning.replaceAll('|', '\\|')} |\n`,
  )
  return `${HEAD}${rows.join('')}${TAIL}`
}

/** The command that writes the file anew. */
export const REGENERATE = 'node -C portcullis-source test/support/finding-table.ts > lib/policy/analysis/README.md'

const HEAD = `# Findings of \`portcullis policy check\`

\`checkPolicies()\` of \`portcullis/policy\`, and the command, tell of each finding its code, file, JSON pointer, line and column, and what to do.
Codes are API: never renamed, never reused. An **error** does not do what it says; a **warning** most likely is not what was meant.

Made from [finding.ts](finding.ts) by \`${REGENERATE}\`; a test holds them equal.

| code | severity | what it means, and what to do |
| --- | --- | --- |
`

const TAIL = `
## What is compared with what

- Rules are compared where one binds **whenever** the other does: in one namespace, where the subject of the one is absent, the same, or asks only for constants that the
  other asks for, too. A deny for some callers is no contradiction of a grant for all. Policies of mode shadow take nothing from those in force.
- A deny or forbid with times (\`when\`) takes nothing away for good, and is not reported as doing so.
- \`"*"\` beside a deny or a forbid of some operations is "everything but that", and plainly meant.
- On a more specific path, more operations are what such paths are for. Reported are conditions (\`request\`, \`response\`, \`when\`, each of \`limits\`, \`query\` without
  \`request\`) that the wider rule has and the narrower has not.
- Whether a mount is KV v2 is taken from \`--kv2\`, from paths with \`data/\` or \`metadata/\` of the same mount, and for \`secret\`; \`--kv1\` says otherwise.
- Which names the server takes in any case, and where it asks for sudo, is measured on a real server by a test: [server-paths.ts](server-paths.ts).
`

if (argv[1] === fileURLToPath(import.meta.url)) stdout.write(findingTable())

import { argv, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from '../../lib/errors/index.ts'

/** What `lib/errors/README.md` has to be; this file, run as a script, prints it. */
export function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { kind, temporary, meaning }]) =>
      `| \`${code}\` | \`${kind}\` | ${temporary ? 'yes' : 'no'} | ${meaning.replaceAll('|', '\\|')} |\n`,
  )
  return `${HEAD}${rows.join('')}`
}

/** The command that writes the file anew. */
export const REGENERATE = 'node -C portcullis-source test/support/error-table.ts > lib/errors/README.md'

const HEAD = `# Error codes

Every operation that fails rejects with a subclass of \`PortcullisError\`. Match on \`code\`: it is API, never renamed and never reused.
\`temporary\` on the error says whether the same call may succeed later, unchanged; the column has its default, which the single error can override.
\`instanceof\` also holds between two installed copies of the package. Wrong arguments throw \`TypeError\` or \`RangeError\` at once and are not listed.

Messages and fields hold no token, secret, header or body. \`ServerError.serverErrors()\` has the server's own words, which can echo what was sent.

Made from [codes.ts](codes.ts) by \`${REGENERATE}\`; a test holds them equal.

| code | class | temporary | what it means, and what to do |
| --- | --- | --- | --- |
`

if (argv[1] === fileURLToPath(import.meta.url)) stdout.write(errorTable())

import type { Command } from 'commander'
import { CommandError, UsageError } from '../exit.ts'
import { createScreen } from '../screen.ts'
import { connect, type ServerCommandOptions, withServer } from '../server.ts'
import { readTextFile } from './files.ts'
import { writeNewFile } from './new-file.ts'
import { replaceMadeFile } from './replace-file.ts'

interface GenerateCommandOptions extends ServerCommandOptions {
  readonly openapi?: string
  readonly mount: readonly string[]
  readonly name?: string
  readonly out?: string
  readonly types?: string
}

const EXAMPLES = `
The policy allows all that the mounts offer, writes under a closed schema of their fields: a beginning, to be
narrowed by hand or by "portcullis policy suggest". The types are for TypedGateway<Endpoints>.

Examples:
  portcullis policy generate --mount transit/ --mount kv/ -o policies/app.json --types endpoints.ts
  portcullis policy generate --openapi openapi.json --mount pki/ > pki.json
`

/** `policy generate`. */
export function addGenerate(policy: Command): void {
  const command = policy
    .command('generate')
    .description('make a policy, and TypeScript types, of what the mounts of a server offer (its OpenAPI document)')
    .option('--mount <path>', 'a mount, such as kv/ or auth/approle/; can be given several times', collect, [])
    .option('--openapi <file>', 'a document that was saved before (default: asks the server); - reads standard input')
    .option('--name <name>', 'name of the policy (default: made of the mounts)')
    .option('-o, --out <file>', 'write the policy to a new file (default: standard output)')
    .option('--types <file>', 'write TypeScript types to a file; one that was generated before is replaced')
  withServer(command).addHelpText('after', EXAMPLES).action(generate)
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

async function generate(options: GenerateCommandOptions): Promise<void> {
  const { mount: mounts, name, out, types: typesFile } = options
  if (mounts.length === 0) throw new UsageError('--mount is needed: the path of a mount, such as kv/')
  const { file, document } = await openApi(options)
  const { generateFromOpenApi, TYPES_HEADER } = await import('portcullis/policy')
  const made = generateFromOpenApi(document as never, { file, mounts, ...(name === undefined ? {} : { name }) })
  const policy = { $schema: './node_modules/portcullis/schemas/policy.schema.json', ...made.policy }
  const text = `${JSON.stringify(policy, undefined, 2)}\n`
  if (out !== undefined) await writeNewFile(out, text)
  if (typesFile !== undefined) await replaceMadeFile(typesFile, made.types, TYPES_HEADER)
  const screen = createScreen(options)
  const files = [out, typesFile].filter((each) => each !== undefined)
  if (screen.isJson) screen.result({ policy, types: made.types, endpoints: made.endpoints, files }, [])
  else if (out === undefined) process.stdout.write(text)
  screen.progress(`${made.endpoints} endpoints${files.length === 0 ? '' : `; wrote ${files.join(' and ')}`}`)
}

async function openApi(
  options: GenerateCommandOptions,
): Promise<{ readonly file: string; readonly document: unknown }> {
  if (options.openapi === undefined) {
    const server = await connect(options)
    const path = 'sys/internal/specs/openapi'
    return { file: path, document: (await server.call('GET', `${path}?generic_mount_paths=false`)).body ?? null }
  }
  const { file, text } = await readTextFile(options.openapi)
  try {
    return { file, document: JSON.parse(text) }
  } catch {
    throw new CommandError(`${file} cannot be read: it is no JSON`, 'ERR_INPUT')
  }
}

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileDescriptorSet, type MethodDescriptor } from '../../lib/plugin-host/wire/gen/descriptor.ts'
import { ROOT } from './imports.ts'

const WIRE = join(ROOT, 'lib/plugin-host/wire')
/** Where the generated code is kept. */
export const GENERATED: string = join(WIRE, 'gen')

const OPTIONS = [
  'annotateFilesWithVersion=false',
  'enumsAsLiterals=true',
  'esModuleInterop=true',
  // Nanoseconds pass 2^53 after 104 days.
  'forceLong=bigint',
  'importSuffix=.ts',
  'oneof=unions-value',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'outputServices=none',
  'unrecognizedEnum=false',
  'useDate=false',
  'useExactTypes=false',
  // An object would take a key `__proto__` for its prototype.
  'useMapType=true',
]

/** Is there a `protoc`? Debian has it as `protobuf-compiler`. */
export function hasProtoc(): boolean {
  try {
    execFileSync('protoc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Writes code for every `.proto` below `wire/proto/` to `target`, which is emptied first. */
export function generateCode(target: string): void {
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const protos = join(WIRE, 'proto')
  const scratch = mkdtempSync(join(tmpdir(), 'protos-'))
  try {
    const set = join(scratch, 'set.bin')
    protoc(protos, [`--descriptor_set_out=${set}`])
    const plain = join(scratch, 'proto')
    cpSync(protos, plain, { recursive: true })
    for (const name of namesIn(plain)) withPlainStruct(join(plain, name))
    protoc(plain, [
      `--plugin=protoc-gen-ts_proto=${join(ROOT, 'node_modules/.bin/protoc-gen-ts_proto')}`,
      `--ts_proto_out=${target}`,
      `--ts_proto_opt=${OPTIONS.join(',')}`,
    ])
    writeTables(target, readFileSync(set))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function namesIn(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.proto')).sort()
}

function protoc(folder: string, more: readonly string[]): void {
  execFileSync('protoc', ['-I', folder, ...more, ...namesIn(folder)], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** ts-proto turns a Struct into an object of `any`, prototypes included; under another name it leaves the message alone. */
function withPlainStruct(path: string): void {
  const text = readFileSync(path, 'utf8')
  const own = path.endsWith('struct.proto') ? text.replace('package google.protobuf;', 'package plain;') : text
  writeFileSync(path, own.replaceAll('google.protobuf.Struct', 'plain.Struct'))
}

function writeTables(target: string, set: Uint8Array): void {
  writeFileSync(join(target, 'services.ts'), servicesOf(FileDescriptorSet.decode(set)))
  const text = Buffer.from(set).toString('base64')
  writeFileSync(
    join(target, 'descriptors.ts'),
    `/** All of \`proto/\`, as a FileDescriptorSet in base64. Generated; see the script \`proto\`. */\nexport const DESCRIPTORS: string =\n  '${text}'\n`,
  )
}

function servicesOf(set: FileDescriptorSet): string {
  const modules = new Map<string, { readonly alias: string; readonly path: string }>()
  for (const { name, package: pkg, messageType } of set.file) {
    const path = `./${name.replace(/\.proto$/, '.ts')}`
    const alias = path.replace(/^.*\//, '').replace(/\.ts$/, '').replaceAll('-', '_')
    for (const message of messageType) modules.set(`.${pkg}.${message.name}`, { alias, path })
  }
  const used = new Map<string, string>()
  const typeOf = (name: string): string => {
    const found = modules.get(name)
    if (found === undefined) throw new Error(`no module has ${name}`)
    used.set(found.alias, found.path)
    return `${found.alias}.${name.split('.').at(-1)}`
  }
  const services = set.file.flatMap(({ package: pkg, service }) =>
    service.map(({ name, method }) => serviceCode(pkg, name, method, typeOf)),
  )
  const imports = [...used].map(([alias, path]) => `import * as ${alias} from '${path}'`).sort()
  const types = "import type { Duplex, ServerStream, Unary } from '../grpc/method.ts'"
  return `// Generated from the services of \`proto/\`; see the script \`proto\`.\n${[types, ...imports].join('\n')}\n\n${services.join('\n')}`
}

function serviceCode(
  pkg: string,
  name: string,
  methods: readonly MethodDescriptor[],
  typeOf: (name: string) => string,
): string {
  const parts = methods.map((method) => {
    const [request, reply] = [typeOf(method.inputType), typeOf(method.outputType)]
    const [type, kind] = method.clientStreaming
      ? ['Duplex', 'duplex']
      : method.serverStreaming
        ? ['ServerStream', 'server-stream']
        : ['Unary', 'unary']
    const key = keyOf(method.name)
    return {
      type: `  readonly ${key}: ${type}<${request}, ${reply}>\n`,
      value: `  ${key}: { kind: '${kind}', path: '/${pkg}.${name}/${method.name}', request: ${request}, reply: ${reply} },\n`,
    }
  })
  const text = (part: 'type' | 'value'): string => parts.map((each) => each[part]).join('')
  return `/** \`${pkg}.${name}\` */\nexport const ${name}Service: {\n${text('type')}} = {\n${text('value')}}\n`
}

/** `DefaultLeaseTTL` becomes `defaultLeaseTtl`. */
function keyOf(name: string): string {
  const words = name.replace(/[A-Z]{2,}(?=$|[A-Z])/g, (run) => `${run.slice(0, 1)}${run.slice(1).toLowerCase()}`)
  return `${words.slice(0, 1).toLowerCase()}${words.slice(1)}`
}

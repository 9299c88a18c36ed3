import { areaOf, type Import, type Source } from './imports.ts'

/** A rule of architecture: which places break it, as messages. */
export type Rule = (sources: readonly Source[]) => readonly string[]

/** Each imports only what stands before it. */
const FOUNDATION = ['model', 'errors', 'ports', 'options'] as const
const IDEAS: readonly string[] = ['policy', 'audit', 'lease', 'session', 'watch']
const DRIVERS: readonly string[] = ['http', 'telemetry', 'testing']
/** A driver too, and the one that others may import. */
const SYSTEM = 'system'

function isFoundation(area: string): boolean {
  return (FOUNDATION as readonly string[]).includes(area)
}

/** Imports of files of ours in other folders of `lib/`, from the folders that `isFrom` picks. */
function crossings(
  sources: readonly Source[],
  isFrom: (area: string) => boolean,
): readonly { readonly from: Source; readonly to: Import; readonly area: string }[] {
  return sources
    .filter(({ path }) => path.startsWith('lib/') && isFrom(areaOf(path)))
    .flatMap((from) => from.imports.map((to) => ({ from, to, area: areaOf(to.target) })))
    .filter(({ from, to, area }) => to.target.startsWith('lib/') && area !== areaOf(from.path))
}

function told({ from, to }: { readonly from: Source; readonly to: Import }): string {
  return `${from.path} imports ${to.isType ? 'types of ' : ''}${to.target}`
}

/** The foundation's order. */
export const foundationLooksBack: Rule = (sources) =>
  FOUNDATION.flatMap((area, at) =>
    crossings(sources, (from) => from === area)
      .filter((crossing) => !(FOUNDATION.slice(0, at) as readonly string[]).includes(crossing.area))
      .map(told),
  )

/** What a trial of policies takes of the pipeline: the form in which requests are judged. Pure, and why a trial says what a gateway would. */
const TRIAL = { from: 'lib/policy/trial.ts', to: 'lib/pipeline/normalise.ts' }

/** Ideas know the foundation, and of each other types alone. */
export const ideasKnowTypesOfEachOther: Rule = (sources) =>
  crossings(sources, (area) => IDEAS.includes(area))
    .filter(({ from, to }) => from.path !== TRIAL.from || to.target !== TRIAL.to)
    .filter(({ to, area }) => !isFoundation(area) && !(IDEAS.includes(area) && to.isType))
    .map(told)

/**
 * What the transport in memory takes from the HTTP driver: how answers are read and requests are headed.
 * Pure, and the reason why a test on the fake sees what production sees.
 */
const READ_AS_HTTP: readonly string[] = ['lib/http/answer.ts', 'lib/http/headers.ts', 'lib/http/refusal.ts']

/** What the device of a file takes from the audit: how lines are chained and checkpoints signed. Pure, and what a verification reads by. */
const CHAIN = 'lib/audit/chain/'

/** What the device of a spool takes from the audit: names, cursors, cutting of lines, and the engine that ships. They act through ports. */
const SPOOL = 'lib/audit/spool/'
const SPOOLERS: readonly string[] = ['telemetry', SYSTEM]

/** Drivers know the foundation and `system`. */
export const driversKnowTheFoundation: Rule = (sources) =>
  crossings(sources, (area) => DRIVERS.includes(area) || area === SYSTEM)
    .filter(({ from, area }) => !isFoundation(area) && !(area === SYSTEM && areaOf(from.path) !== SYSTEM))
    .filter(({ from, to }) => !(areaOf(from.path) === 'testing' && READ_AS_HTTP.includes(to.target)))
    .filter(({ from, to }) => !(areaOf(from.path) === SYSTEM && to.target.startsWith(CHAIN)))
    .filter(({ from, to }) => !(SPOOLERS.includes(areaOf(from.path)) && to.target.startsWith(SPOOL)))
    .map(told)

/** Mount views are made of a gateway's calls. */
export const mountsKnowTheModel: Rule = (sources) =>
  crossings(sources, (area) => area === 'mount')
    .filter(({ to, area }) => !isFoundation(area) && !(area === 'pipeline' && to.isType))
    .map(told)

/** Parts of an idea that act on nothing outside (keys, judgements, a sealed value), so that there is nothing to be handed. */
const PURE_PARTS: readonly string[] = ['cache', 'clock-of', 'flights', 'kept', 'key', 'revocations', 'sharing'].map(
  (name) => `lib/lease/${name}.ts`,
)

/** The pipeline is handed its ideas, and so knows their types (and pure parts) alone; no driver at all. */
export const pipelineKnowsTypesOfIdeas: Rule = (sources) =>
  crossings(sources, (area) => area === 'pipeline')
    .filter(({ to, area }) => {
      if (isFoundation(area) || PURE_PARTS.includes(to.target)) return false
      return !((IDEAS.includes(area) || area === 'emitter.ts') && to.isType)
    })
    .map(told)

/** What the host takes of the SDK: which plugins come with the package, as names and files to run. */
const BUILTIN_TABLE = 'lib/plugin/builtin/index.ts'

/** The plugin host is a driver; the SDK shares its wire, and nothing else of it. */
export const pluginsShareTheWire: Rule = (sources) =>
  crossings(sources, (area) => area === 'plugin-host' || area === 'plugin')
    .filter(({ from, to, area }) => {
      if (isFoundation(area) || area === SYSTEM) return false
      if (areaOf(from.path) === 'plugin-host' && to.target === BUILTIN_TABLE) return false
      if (areaOf(from.path) === 'plugin') return !to.target.startsWith('lib/plugin-host/wire/')
      return true
    })
    .map(told)

/** Nothing but the plugin host and the SDK loads gRPC. */
export const wireStaysAtHome: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('lib/') && !/^lib\/plugin(?:-host)?\//.test(path))
    .flatMap((from) => from.imports.map((to) => ({ from, to })))
    .filter(({ to }) => /^lib\/plugin(?:-host)?\//.test(to.target))
    .map(told)

const ENTRIES: ReadonlySet<string> = new Set([
  'lib/index.ts',
  'lib/testing/index.ts',
  'lib/plugin-host/index.ts',
  'lib/plugin/index.ts',
  'lib/policy/index.ts',
  'lib/audit/index.ts',
])

/** Adapters know what any user knows. */
export const adaptersKnowEntries: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('adapters/'))
    .flatMap((from) => from.imports.map((to) => ({ from, to })))
    .filter(({ to }) => to.target.startsWith('lib/') && !ENTRIES.has(to.target))
    .map(told)

/** `lib/index.ts` is a list of names. */
export const surfaceOnlyReExports: Rule = (sources) =>
  sources
    .filter(({ path }) => path === 'lib/index.ts')
    .flatMap(({ path, code }) => {
      const left = code.replace(/export\s+(?:type\s+)?\{[^}]*\}\s+from\s+'[^']+'/g, '').trim()
      return left === '' ? [] : [`${path} does more than re-export names: ${left.slice(0, 80)}`]
    })

/** Named exports alone, everywhere: `export *` hides what is public. */
export const nothingExportsAll: Rule = (sources) =>
  sources.filter(({ code }) => /\bexport\s+\*/.test(code)).map(({ path }) => `${path} has export *`)

const OUTSIDE =
  /\b(?:Date\b(?=[.(])|new Date\b|Math\.random|setTimeout|setInterval|setImmediate|process\.|console\.|fetch\(|performance\.)/
const HASHING: ReadonlySet<string> = new Set(['node:crypto', 'node:util'])

/** Ideas act through ports: no time, chance, process, console or network of their own. */
export const ideasActThroughPorts: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('lib/') && IDEAS.includes(areaOf(path)))
    .flatMap(({ path, code, imports }) => {
      const used = OUTSIDE.exec(code)?.[0]
      const modules = imports.filter(({ target }) => target.startsWith('node:') && !HASHING.has(target))
      return [
        ...(used === undefined ? [] : [`${path} uses ${used}`]),
        ...modules.map(({ target }) => `${path} imports ${target}`),
      ]
    })

/** Packages and the folders that may import them. `dynamic`: only by `import()`, since they may be absent or dear. */
const PACKAGES: readonly { readonly name: RegExp; readonly areas: readonly string[]; readonly dynamic?: boolean }[] = [
  { name: /^undici(?:\/|$)/, areas: ['http'] },
  { name: /^@opentelemetry\//, areas: ['telemetry'], dynamic: true },
  { name: /^ajv(?:\/|$)/, areas: ['policy', 'plugin'] },
  { name: /^re2js(?:\/|$)/, areas: ['policy'] },
  { name: /^@bufbuild\/protobuf(?:\/|$)/, areas: ['plugin-host'] },
  { name: /^lmdb(?:\/|$)/, areas: ['plugin-host'], dynamic: true },
]

/** Each package has one home. */
export const packagesStayAtHome: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('lib/'))
    .flatMap((from) => from.imports.map((to) => ({ from, to })))
    .filter(({ from, to }) =>
      PACKAGES.some(
        ({ name, areas, dynamic }) =>
          name.test(to.target) &&
          !(areas.includes(areaOf(from.path)) && (dynamic !== true || to.isType || to.isDynamic)),
      ),
    )
    .map(told)

/** Longest file. */
const MAX_LINES = 350

/** A file holds one idea; what is generated holds what its source says. */
export const filesAreShort: Rule = (sources) =>
  sources
    .filter(({ path, lines }) => path.startsWith('lib/') && !path.includes('/gen/') && lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${MAX_LINES}`)

/** No cycle of imports that are there at run time. */
export const noRuntimeCycle: Rule = (sources) => {
  const edges = new Map(
    sources.map(({ path, imports }) => [path, imports.filter(({ isType }) => !isType).map(({ target }) => target)]),
  )
  const found = new Set<string>()
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at !== -1) found.add([...trail.slice(at), path].join(' -> '))
    if (at !== -1 || done.has(path)) return
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return [...found]
}

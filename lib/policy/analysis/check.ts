import { checkNames } from '../../options/check.ts'
import { JsonTextError } from '../json-text.ts'
import { namespaceProblem } from '../load.ts'
import { POLICY_MAX_LENGTH, parsedText, TOO_LARGE } from '../parse.ts'
import { Place } from '../place.ts'
import { type Locate, locateIn, type TextPosition } from '../text-position.ts'
import type { PolicyDocument } from '../verdict.ts'
import { caseVariants } from './case-variants.ts'
import { checkedPolicies } from './checked-rule.ts'
import type { Analysis, Draft } from './draft.ts'
import { neverPassing, withoutEffect } from './effects.ts'
import { type Fault, faultsOf, jointFaults } from './faults.ts'
import { FINDING_CODES, type PolicyFinding } from './finding.ts'
import { forbidden } from './forbidden.ts'
import { kvV2Paths } from './kv-v2.ts'
import { conditionsLost, deniesReopened } from './narrowing.ts'
import { createOnly, spelling, sudo } from './paths.ts'
import { RuleBook } from './rule-book.ts'
import { contradictions, unreachable } from './same-path.ts'
import { broadSubjects } from './subjects.ts'

/** A policy file, as it was read. */
export interface PolicyText {
  /** Name for messages. */
  readonly file: string
  readonly text: string
}

/** How {@link checkPolicies} takes the policies; as the gateway is set up. */
export interface PolicyCheckOptions {
  /** Of policies that name none; canonical. Default: `''`, the root. */
  readonly namespace?: string
  /** Mounts that are KV version 1, such as `secret`. Default: none. */
  readonly kv1?: readonly string[]
  /** Mounts that are KV version 2, besides `secret` and those whose paths show it. Default: none. */
  readonly kv2?: readonly string[]
}

/** What {@link checkPolicies} found. */
export interface PolicyCheck {
  /** Names of the policies that load. */
  readonly policies: readonly string[]
  /** By file and place. */
  readonly findings: readonly PolicyFinding[]
}

/**
 * What is wrong with policies: every fault for which the gateway would not load one, and, of those that load together,
 * what most likely is not what was meant.
 *
 * Files are taken in the order given; the gateway takes those of a folder by name. Nothing is asked of a server.
 *
 * @throws {TypeError} for wrong options.
 *
 * @example
 * const { findings } = await checkPolicies([{ file: 'orders.json', text: await readFile('orders.json', 'utf8') }])
 */
export async function checkPolicies(
  files: readonly PolicyText[],
  options: PolicyCheckOptions = {},
): Promise<PolicyCheck> {
  checkNames('check options', options, ['namespace', 'kv1', 'kv2'])
  const { namespace = '', kv1 = [], kv2 = [] } = options
  const problem = namespaceProblem(namespace)
  if (problem !== undefined) throw new TypeError(`namespace is not canonical: ${problem}`)
  const read = await Promise.all(files.map((file) => readFile(file, namespace)))
  const sound = read.flatMap(({ document }) => document ?? [])
  const joint = await jointFaults(sound, namespace)
  const refused = new Set(joint.map(({ place }) => place.file))
  const loaded = checkedPolicies(
    sound.filter(({ file }) => !refused.has(file)),
    namespace,
  )
  const book = new RuleBook(loaded)
  const drafts = [
    ...joint.map(invalid),
    ...ANALYSES.concat(kvV2Paths({ kv1, kv2 })).flatMap((analyse) => analyse(book)),
  ]
  const found = [...read.flatMap(({ findings }) => findings), ...placed(drafts, files)]
  return { policies: loaded.map(({ policy }) => policy), findings: sorted(found, files) }
}

const ANALYSES: readonly Analysis[] = [
  ...[neverPassing, caseVariants, unreachable, forbidden, contradictions, conditionsLost, deniesReopened],
  ...[broadSubjects, withoutEffect, sudo, createOnly, spelling],
]

interface ReadFile {
  /** `undefined` where the gateway would not load it. */
  readonly document: PolicyDocument | undefined
  readonly findings: readonly PolicyFinding[]
}

async function readFile({ file, text }: PolicyText, namespace: string): Promise<ReadFile> {
  const broken = textFault(text)
  if (broken !== undefined) {
    const draft = invalid({ place: new Place(file), message: broken.message })
    return { document: undefined, findings: [finding(draft, broken)] }
  }
  const document = { file, document: parsedText(text) }
  const faults = (await faultsOf(document, namespace)).map(invalid)
  return { document: faults.length === 0 ? document : undefined, findings: placed(faults, [{ file, text }]) }
}

interface TextFault extends TextPosition {
  readonly message: string
}

function textFault(text: string): TextFault | undefined {
  if (text.length > POLICY_MAX_LENGTH) return { message: TOO_LARGE, line: 1, column: 1 }
  try {
    parsedText(text)
    return undefined
  } catch (error) {
    if (error instanceof JsonTextError) return error
    throw error
  }
}

function invalid({ place, message }: Fault): Draft {
  return { code: 'invalid', place, policy: undefined, rule: undefined, message }
}

function placed(drafts: readonly Draft[], files: readonly PolicyText[]): readonly PolicyFinding[] {
  const locates = new Map(files.map(({ file, text }) => [file, locateIn(text)]))
  return drafts.map((draft) => finding(draft, positionOf(draft.place.pointer, locates.get(draft.place.file))))
}

/** Where the part stands, or the part around it, where it is one that is missing. */
function positionOf(pointer: string, locate: Locate | undefined): TextPosition | undefined {
  return (
    locate?.(pointer) ?? (pointer === '' ? undefined : positionOf(pointer.slice(0, pointer.lastIndexOf('/')), locate))
  )
}

function finding({ code, place, policy, rule, message }: Draft, at: TextPosition | undefined): PolicyFinding {
  const { severity } = FINDING_CODES[code]
  const { file, pointer } = place
  return Object.freeze({ code, severity, file, pointer, line: at?.line, column: at?.column, policy, rule, message })
}

function sorted(findings: readonly PolicyFinding[], files: readonly PolicyText[]): readonly PolicyFinding[] {
  const order = new Map(files.map(({ file }, at) => [file, at]))
  const at = ({ file }: PolicyFinding): number => order.get(file) ?? 0
  return [...findings].sort(
    (a, b) => at(a) - at(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  )
}

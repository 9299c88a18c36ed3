import { PolicyLoadError } from '../../errors/index.ts'
import type { JsonValue } from '../../model/json.ts'
import { copyDocument } from '../document.ts'
import { loadPolicies } from '../load.ts'
import { keysOf, Place, pointerOf } from '../place.ts'
import type { PolicyDocument } from '../verdict.ts'

/** Most faults of one file that are told. */
export const FAULTS_MAX = 100

/** Most parts of one file that are put right to see what else is wrong. */
const MENDED_MAX = 4 * FAULTS_MAX

/** Why one policy cannot be loaded. */
export interface Fault {
  readonly place: Place
  readonly message: string
}

/**
 * Every fault for which the gateway would not load `document`, in the order in which it would meet them.
 *
 * The loader stops at the first. So what it refuses is put right in a copy, by taking it out or by something harmless in its
 * place, and loaded again, until nothing is refused. What is refused only because of that is no fault of the document.
 */
export async function faultsOf({ file, document }: PolicyDocument, namespace: string): Promise<readonly Fault[]> {
  const copy = copied(file, document)
  if ('fault' in copy) return [copy.fault]
  const faults: Fault[] = []
  const mended: string[] = []
  while (faults.length < FAULTS_MAX && mended.length < MENDED_MAX) {
    const fault = await firstFault({ file, document: copy.value }, namespace)
    if (fault === undefined) break
    const { pointer } = fault.place
    if (!mended.some((before) => isPart(before, pointer))) faults.push(fault)
    const part = mendedPart(copy.value, pointer, mended)
    if (part === undefined) break
    mended.push(part)
  }
  return faults
}

/** What only shows when policies are loaded together: each fault with the file that is refused for it. */
export async function jointFaults(documents: readonly PolicyDocument[], namespace: string): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  let left = documents
  while (faults.length < FAULTS_MAX) {
    const fault = await firstFault(left, namespace)
    if (fault === undefined) break
    faults.push(fault)
    const rest = left.filter(({ file }) => file !== fault.place.file)
    if (rest.length === left.length) break
    left = rest
  }
  return faults
}

async function firstFault(
  documents: PolicyDocument | readonly PolicyDocument[],
  namespace: string,
): Promise<Fault | undefined> {
  try {
    await loadPolicies([documents].flat(), namespace)
    return undefined
  } catch (error) {
    return faultOf(error)
  }
}

/** @throws what is no refusal of a policy. */
function faultOf(error: unknown): Fault {
  if (!(error instanceof PolicyLoadError)) throw error
  const { file, pointer, message } = error
  const where = pointer === '' ? `${file}: ` : `${file} at ${pointer}: `
  return { place: new Place(file, pointer), message: message.startsWith(where) ? message.slice(where.length) : message }
}

function copied(file: string, document: unknown): { readonly value: unknown } | { readonly fault: Fault } {
  try {
    return { value: structuredClone(copyDocument(document, new Place(file))) }
  } catch (error) {
    return { fault: faultOf(error) }
  }
}

/** Is `pointer` that of `whole`, or of a part of it? */
function isPart(pointer: string, whole: string): boolean {
  return pointer === whole || pointer.startsWith(`${whole}/`)
}

/** What stands in place of parts that a policy cannot be without. */
const HARMLESS: Readonly<Record<string, JsonValue>> = { policy: 'checked', rules: [] }
const HARMLESS_RULE: Readonly<Record<string, JsonValue>> = { path: 'checked', operations: ['read'], effect: 'allow' }

/** What schemas have to say, so that the rest of them is looked at. */
const SCHEMA_PARTS: Readonly<Record<string, Readonly<Record<string, JsonValue>>>> = {
  subject: { required: [] },
  request: { additionalProperties: true },
  query: { additionalProperties: true },
}

/** Puts the part at `pointer` right, or what is around it if that did not help before; its pointer, `undefined` where nothing is left. */
function mendedPart(document: unknown, pointer: string, before: readonly string[]): string | undefined {
  for (let keys = keysOf(pointer); keys.length > 0; keys = keys.slice(0, -1)) {
    const part = pointerOf(keys)
    const times = before.filter((other) => other === part).length
    if (mend(document, keys, times)) return part
  }
  return before.includes('') || !complete(document, HARMLESS) ? undefined : ''
}

/** @param times - How often it was done here already. @returns whether something was done. */
function mend(document: unknown, keys: readonly string[], times: number): boolean {
  const parent = keys.slice(0, -1).reduce<unknown>(member, document)
  const key = keys.at(-1) ?? ''
  if (typeof parent !== 'object' || parent === null || times > 1) return false
  const isRule = keys.length === 2 && keys[0] === 'rules'
  if (isRule) return complete(member(parent, key), HARMLESS_RULE) || Reflect.set(parent, key, { ...HARMLESS_RULE })
  const missing = SCHEMA_PARTS[key]
  if (missing !== undefined && times === 0 && complete(member(parent, key), missing)) return true
  // Taking an item out would move those behind it, and their pointers with them.
  if (Array.isArray(parent)) return false
  // A property that "required" names has to stay, if that helps.
  const harmless = keys.at(-2) === 'properties' ? true : harmlessFor(keys)
  if (harmless !== undefined && times === 0) return Reflect.set(parent, key, structuredClone(harmless))
  return Object.hasOwn(parent, key) && Reflect.deleteProperty(parent, key)
}

function harmlessFor(keys: readonly string[]): JsonValue | undefined {
  const isRulePart = keys.length === 3 && keys[0] === 'rules'
  const parts = isRulePart ? HARMLESS_RULE : keys.length === 1 ? HARMLESS : {}
  return parts[keys.at(-1) ?? '']
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}

/** Puts in what is missing. @returns whether something was. */
function complete(value: unknown, parts: Readonly<Record<string, JsonValue>>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const missing = Object.entries(parts).filter(([name]) => !Object.hasOwn(value, name))
  for (const [name, part] of missing) Reflect.set(value, name, structuredClone(part))
  return missing.length > 0
}

import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { absent, Refusal } from '../exchange.ts'
import type { State } from '../state.ts'
import { countField } from './fields.ts'
import { listOf } from './kv1.ts'

interface Version {
  readonly createdTime: string
  deletionTime: string
  destroyed: boolean
  data: JsonObject
}

/** A secret with its versions; version n stands at n - 1. */
interface Secret {
  readonly versions: Version[]
  casRequired: boolean
  customMetadata: JsonObject | null
}

type Secrets = Map<string, Secret>

/** KV version 2: versions, check-and-set, delete and undelete, destroy, metadata. */
export function createKv2(): Backend {
  const secrets: Secrets = new Map()
  return {
    exists: ({ rest }) => secrets.has(rest.replace(/^[^/]*\//, '')),
    handle(call, state): Outcome {
      const [, part = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(call.rest) ?? []
      switch (part) {
        case 'data':
          return onData(secrets, name, call, state)
        case 'metadata':
          return onMetadata(secrets, name, call)
        case 'delete':
        case 'undelete':
        case 'destroy':
          return onVersions(secrets, part, name, call, state)
        default:
          throw absent()
      }
    },
  }
}

function onData(secrets: Secrets, name: string, call: Call, state: State): Outcome {
  switch (call.operation) {
    case 'read':
      return read(secrets.get(name), countField(call.data, 'version', 0))
    case 'write':
      return write(secrets, name, call.data, state)
    case 'patch':
      return patch(secrets, name, call.data, state)
    case 'delete':
      return remove(secrets.get(name), state)
    default:
      throw new Refusal(405, 'unsupported operation')
  }
}

function read(secret: Secret | undefined, version: number): Outcome {
  const number = version || (secret?.versions.length ?? 0)
  const found = secret?.versions[number - 1]
  if (secret === undefined || found === undefined) throw absent()
  const metadata = described(secret, found, number)
  return isGone(found) ? { status: 404, data: { data: null, metadata } } : { data: { data: found.data, metadata } }
}

function isGone({ destroyed, deletionTime }: Version): boolean {
  return destroyed || deletionTime !== ''
}

function described(secret: Secret, version: Version, number: number): JsonObject {
  return {
    created_time: version.createdTime,
    custom_metadata: secret.customMetadata,
    deletion_time: version.deletionTime,
    destroyed: version.destroyed,
    version: number,
  }
}

function write(secrets: Secrets, name: string, body: JsonObject, state: State): Outcome {
  if (!isJsonObject(body.data)) throw new Refusal(400, 'no data provided')
  const secret = secrets.get(name) ?? { versions: [], casRequired: false, customMetadata: null }
  checkCas(secret, body)
  const version = { createdTime: state.time(), deletionTime: '', destroyed: false, data: body.data }
  secret.versions.push(version)
  secrets.set(name, secret)
  return { data: described(secret, version, secret.versions.length) }
}

function checkCas(secret: Secret, { options }: JsonObject): void {
  const cas = isJsonObject(options) ? options.cas : undefined
  if (cas === undefined && secret.casRequired) throw new Refusal(400, 'check-and-set parameter required for this call')
  if (cas !== undefined && Number(cas) !== secret.versions.length)
    throw new Refusal(400, 'check-and-set parameter did not match the current version')
}

function patch(secrets: Secrets, name: string, body: JsonObject, state: State): Outcome {
  const secret = secrets.get(name)
  const newest = secret?.versions.at(-1)
  if (secret === undefined || newest === undefined) throw absent()
  if (isGone(newest)) return { status: 404, data: described(secret, newest, secret.versions.length) }
  if (!isJsonObject(body.data)) throw new Refusal(400, 'no data provided')
  return write(secrets, name, { ...body, data: merged(newest.data, body.data) }, state)
}

/** JSON merge patch: null removes, objects merge, all else replaces. */
function merged(target: JsonObject, change: JsonObject): JsonObject {
  const result = { ...target }
  for (const [key, value] of Object.entries(change)) {
    const before = result[key]
    if (value === null) delete result[key]
    else result[key] = isJsonObject(value) ? merged(isJsonObject(before) ? before : {}, value) : value
  }
  return result
}

function remove(secret: Secret | undefined, state: State): Outcome {
  const newest = secret?.versions.at(-1)
  if (newest !== undefined && !isGone(newest)) newest.deletionTime = state.time()
  return {}
}

function onMetadata(secrets: Secrets, name: string, call: Call): Outcome {
  if (call.operation === 'list') return listOf(secrets, name)
  if (call.operation === 'delete') {
    secrets.delete(name)
    return {}
  }
  const secret = secrets.get(name)
  if (call.operation === 'read') return metadata(secret)
  const changed = secret ?? { versions: [], casRequired: false, customMetadata: null }
  if (typeof call.data.cas_required === 'boolean') changed.casRequired = call.data.cas_required
  if (isJsonObject(call.data.custom_metadata)) changed.customMetadata = call.data.custom_metadata
  secrets.set(name, changed)
  return {}
}

function metadata(secret: Secret | undefined): Outcome {
  if (secret === undefined) throw absent()
  const versions = secret.versions.map(({ createdTime, deletionTime, destroyed }, at) => [
    String(at + 1),
    { created_time: createdTime, deletion_time: deletionTime, destroyed },
  ])
  return {
    data: {
      cas_required: secret.casRequired,
      created_time: secret.versions[0]?.createdTime ?? '',
      current_version: secret.versions.length,
      custom_metadata: secret.customMetadata,
      delete_version_after: '0s',
      max_versions: 0,
      oldest_version: 0,
      updated_time: secret.versions.at(-1)?.createdTime ?? '',
      versions: Object.fromEntries(versions),
    },
  }
}

function onVersions(
  secrets: Secrets,
  part: 'delete' | 'undelete' | 'destroy',
  name: string,
  { data }: Call,
  state: State,
): Outcome {
  const numbers = Array.isArray(data.versions) ? data.versions.map(Number) : []
  if (numbers.length === 0) throw new Refusal(400, 'No version number provided')
  for (const number of numbers) {
    const version = secrets.get(name)?.versions[number - 1]
    if (version !== undefined) change(version, part, state)
  }
  return {}
}

function change(version: Version, part: 'delete' | 'undelete' | 'destroy', state: State): void {
  if (part === 'undelete') version.deletionTime = ''
  else if (part === 'delete') version.deletionTime ||= state.time()
  else {
    version.destroyed = true
    version.data = {}
  }
}

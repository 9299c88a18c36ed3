import type { JsonObject } from '../../../model/json.ts'
import { durationText } from './duration-text.ts'

/** One version of a secret, without its data. */
export interface Version {
  /** RFC 3339, as all times here. */
  readonly created: string
  /** When it was or will be deleted; empty for never. */
  readonly deleted: string
  /** Its data is gone for good. */
  readonly destroyed: boolean
}

/** What is kept of a secret beside its data: one entry in storage, written after what it tells of. */
export interface Secret {
  readonly created: string
  readonly updated: string
  /** Number of the newest version; 0 where none was ever written. */
  readonly current: number
  /** Number of the oldest version kept; 0 until there are as many as are kept. */
  readonly oldest: number
  readonly versions: Readonly<Record<string, Version>>
  /** How often the settings below were changed. */
  readonly metadataVersion: number
  /** 0: as the mount says. */
  readonly maxVersions: number
  readonly casRequired: boolean
  readonly metadataCasRequired: boolean
  /** Seconds; 0: as the mount says. */
  readonly deleteAfter: number
  readonly custom: Readonly<Record<string, string>> | null
}

/** A secret without a version. */
export function emptySecret(now: string): Secret {
  return {
    created: now,
    updated: now,
    current: 0,
    oldest: 0,
    versions: {},
    metadataVersion: 0,
    maxVersions: 0,
    casRequired: false,
    metadataCasRequired: false,
    deleteAfter: 0,
    custom: null,
  }
}

/** Version `number`, the newest one for 0 and below. */
export function versionOf(
  secret: Secret,
  number: number,
): { readonly number: number; readonly version: Version } | undefined {
  const wanted = number > 0 ? number : secret.current
  const version = Object.hasOwn(secret.versions, wanted) ? secret.versions[wanted] : undefined
  return version === undefined ? undefined : { number: wanted, version }
}

/** Can its data not be read now? */
export function isGone({ deleted, destroyed }: Version, nowMs: number): boolean {
  return destroyed || (deleted !== '' && Date.parse(deleted) <= nowMs)
}

/** A version as callers see it. */
export function versionData(secret: Secret, number: number, version: Version): JsonObject {
  return {
    created_time: version.created,
    custom_metadata: secret.custom,
    deletion_time: version.deleted,
    destroyed: version.destroyed,
    version: number,
  }
}

/** All of a secret's metadata as callers see it. */
export function secretData(secret: Secret): JsonObject {
  const versions = Object.entries(secret.versions).map(([number, { created, deleted, destroyed }]) => [
    number,
    { created_time: created, deletion_time: deleted, destroyed },
  ])
  return {
    cas_required: secret.casRequired,
    created_time: secret.created,
    current_metadata_version: secret.metadataVersion,
    current_version: secret.current,
    custom_metadata: secret.custom,
    delete_version_after: durationText(secret.deleteAfter),
    max_versions: secret.maxVersions,
    metadata_cas_required: secret.metadataCasRequired,
    oldest_version: secret.oldest,
    updated_time: secret.updated,
    versions: Object.fromEntries(versions),
  }
}

import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { type CustomMetadata, customMetadataOf, patchedCustomMetadata } from './custom-metadata.ts'
import type { Secret } from './secret.ts'
import { chosen, setting } from './settings.ts'

/** Fields that change the settings of a secret. */
export const METADATA_FIELDS = {
  max_versions: { type: 'integer', description: 'Versions kept; 0: as the mount says.' },
  cas_required: { type: 'boolean', description: 'Whether each write must name the version it replaces.' },
  metadata_cas_required: { type: 'boolean', description: 'The same for changes of metadata.' },
  metadata_cas: { type: 'integer', description: 'The version of the metadata that is to be replaced; 0 for none yet.' },
  delete_version_after: {
    type: 'integer',
    format: 'duration',
    description: 'Time after which a new version is deleted; 0: as the mount says.',
  },
  custom_metadata: { description: 'Texts by name: at most 64, names to 128 bytes, texts to 512.' },
} as const

interface Fields {
  readonly max_versions: number | undefined
  readonly cas_required: boolean | undefined
  readonly metadata_cas_required: boolean | undefined
  readonly metadata_cas: number | undefined
  readonly delete_version_after: number | undefined
  readonly custom_metadata: JsonValue | undefined
}

/** What is to be set; `undefined` stays as it is. */
export interface Settings {
  readonly maxVersions: number | undefined
  readonly casRequired: boolean | undefined
  readonly metadataCasRequired: boolean | undefined
  readonly deleteAfter: number | undefined
  /** Of what there is, what there is to be. @throws {Refused} beyond a limit. */
  readonly custom: ((before: CustomMetadata | null) => CustomMetadata) | undefined
  /** The version of the metadata that the caller knows. */
  readonly cas: number | undefined
}

/** What a write sets; null stands for "as the mount says". @returns `undefined` for nothing. @throws {Refused} custom metadata that cannot be kept. */
export function settingsIn(body: JsonObject, fields: Fields): Settings | undefined {
  return anything(body, {
    ...plain(body, fields),
    custom: customOf(body, (value) => {
      const custom = customMetadataOf(value)
      return () => custom
    }),
  })
}

/** What a patch sets; null takes a setting back, and in custom metadata a name. @throws {Refused} as {@link settingsIn}. */
export function settingsInPatch(body: JsonObject, fields: Fields): Settings | undefined {
  return anything(body, {
    ...plain(body, fields),
    custom: customOf(body, (value) => {
      if (value === null) return () => ({})
      // What is wrong with the patch alone is said before anything is looked up.
      patchedCustomMetadata(null, value)
      return (before) => patchedCustomMetadata(before, value)
    }),
  })
}

const NAMES = ['max_versions', 'cas_required', 'metadata_cas_required', 'delete_version_after', 'custom_metadata']

function anything(body: JsonObject, settings: Settings): Settings | undefined {
  return NAMES.some((name) => Object.hasOwn(body, name)) ? settings : undefined
}

function plain(body: JsonObject, fields: Fields): Omit<Settings, 'custom'> {
  const maxVersions = setting(body, 'max_versions', fields.max_versions, 0)
  return {
    maxVersions: maxVersions === undefined ? undefined : maxVersions >>> 0,
    casRequired: setting(body, 'cas_required', fields.cas_required, false),
    metadataCasRequired: setting(body, 'metadata_cas_required', fields.metadata_cas_required, false),
    // The servers take null for a time as "not sent".
    deleteAfter: fields.delete_version_after,
    cas: setting(body, 'metadata_cas', fields.metadata_cas, 0),
  }
}

function customOf(
  body: JsonObject,
  read: (value: JsonValue) => (before: CustomMetadata | null) => CustomMetadata,
): Settings['custom'] {
  const value = body.custom_metadata
  return Object.hasOwn(body, 'custom_metadata') && value !== undefined ? read(value) : undefined
}

/** `secret` with `settings`, one version of its metadata further. */
export function withSettings(secret: Secret, settings: Settings, now: string): Secret {
  return {
    ...secret,
    updated: now,
    metadataVersion: secret.metadataVersion + 1,
    maxVersions: chosen(settings.maxVersions, secret.maxVersions),
    casRequired: chosen(settings.casRequired, secret.casRequired),
    metadataCasRequired: chosen(settings.metadataCasRequired, secret.metadataCasRequired),
    deleteAfter: chosen(settings.deleteAfter, secret.deleteAfter),
    custom: settings.custom === undefined ? secret.custom : orNull(settings.custom(secret.custom)),
  }
}

function orNull(custom: CustomMetadata): CustomMetadata | null {
  return Object.keys(custom).length === 0 ? null : custom
}

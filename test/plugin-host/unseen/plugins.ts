import { type GoPlugin, KUBERNETES_PLUGIN } from '../../support/go-plugins.ts'

/** Secrets engines and auth methods that nothing here was written for: those of clouds. */
export const BACKENDS: readonly (readonly ['secret' | 'auth', GoPlugin])[] = [
  ['secret', { name: 'vault-plugin-secrets-ad', version: 'v0.21.0' }],
  ['secret', { name: 'vault-plugin-secrets-azure', version: 'v0.23.0' }],
  ['secret', { name: 'vault-plugin-secrets-gcp', version: 'v0.23.0' }],
  ['secret', { name: 'vault-plugin-secrets-gcpkms', version: 'v0.22.0' }],
  ['secret', KUBERNETES_PLUGIN],
  ['secret', { name: 'vault-plugin-secrets-mongodbatlas', version: 'v0.16.0' }],
  ['auth', { name: 'vault-plugin-auth-alicloud', version: 'v0.22.0' }],
  ['auth', { name: 'vault-plugin-auth-azure', version: 'v0.22.0' }],
  ['auth', { name: 'vault-plugin-auth-cf', version: 'v0.22.0' }],
  ['auth', { name: 'vault-plugin-auth-gcp', version: 'v0.22.0' }],
  ['auth', { name: 'vault-plugin-auth-oci', version: 'v0.21.1' }],
]

/** Drivers of databases likewise. */
export const DATABASES: readonly (readonly ['database', GoPlugin])[] = [
  ['database', { name: 'vault-plugin-database-couchbase', version: 'v0.15.0' }],
  ['database', { name: 'vault-plugin-database-redis-elasticache', version: 'v0.8.0' }],
  ['database', { name: 'vault-plugin-database-snowflake', version: 'v0.15.0' }],
]

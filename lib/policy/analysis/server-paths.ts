/**
 * Paths whose last segment the server takes in any case; `NAME` stands for it, `+` for any segment.
 *
 * Measured on OpenBao 2.7.2 by a test: what is stored under one spelling is read under another.
 */
export const CASE_FOLDED: readonly string[] = Object.freeze([
  'auth/+/users/NAME',
  'auth/+/login/NAME',
  'auth/+/role/NAME',
  'auth/+/certs/NAME',
  'identity/entity/name/NAME',
  'identity/group/name/NAME',
  'sys/policies/acl/NAME',
  'sys/policy/NAME',
  'sys/config/ui/headers/NAME',
  'sys/config/auditing/request-headers/NAME',
  'kubernetes/roles/NAME',
])

/**
 * Paths on which the server asks for sudo besides the operation, as patterns of a rule.
 *
 * Measured on OpenBao 2.7.2 by a test: a token with every capability but sudo is refused there.
 */
export const SUDO: readonly string[] = Object.freeze([
  'auth/token/accessors',
  'auth/token/accessors/',
  'pki/root',
  'pki/root/sign-self-issued',
  'sys/audit',
  'sys/audit/*',
  'sys/auth/+',
  'sys/auth/+/tune',
  'sys/config/auditing/request-headers',
  'sys/config/auditing/request-headers/+',
  'sys/config/cors',
  'sys/config/ui/headers/+',
  'sys/internal/inspect/*',
  'sys/leases/lookup/*',
  'sys/leases/revoke-force/*',
  'sys/leases/revoke-prefix/*',
  'sys/plugins/catalog/+',
  'sys/plugins/catalog/+/+',
  'sys/raw',
  'sys/raw/*',
  'sys/remount',
  'sys/revoke-force/*',
  'sys/revoke-prefix/*',
  'sys/rotate',
  'sys/rotate/keyring',
  'sys/rotate/root',
  'sys/seal',
])

/** First segments below a KV v2 mount. */
export const KV_V2_PARTS: readonly string[] = Object.freeze([
  'data',
  'metadata',
  'delete',
  'undelete',
  'destroy',
  'subkeys',
  'config',
])

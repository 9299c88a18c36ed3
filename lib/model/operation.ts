/**
 * What a caller asks for.
 *
 * Over HTTP only the server can tell create from update, so both are asked for as `write`.
 */
export type Operation = 'read' | 'list' | 'scan' | 'write' | 'patch' | 'delete'

/** What a rule of a gateway policy grants: the server's capabilities, `write` for create or update, `*` for all. */
export type GrantedOperation = Operation | 'create' | 'update' | 'sudo' | '*'

/** Every operation, for checks and tables. */
export const OPERATIONS: readonly Operation[] = Object.freeze(['read', 'list', 'scan', 'write', 'patch', 'delete'])

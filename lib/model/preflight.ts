/** A capability of the server. */
export type Capability = 'create' | 'read' | 'update' | 'patch' | 'delete' | 'list' | 'scan' | 'sudo'

/** What a policy promises its caller at one path, and the server does not grant the token. */
export interface MissingCapability {
  readonly namespace: string
  /** The rule's path, templates resolved. */
  readonly path: string
  readonly missing: readonly Capability[]
  /** What the token has there. */
  readonly granted: readonly string[]
  /** `policy/rule` of each rule that promises it. */
  readonly rules: readonly string[]
}

/** What the gateway does for itself, that the token may not. */
export interface MissingOwn {
  readonly path: string
  readonly capability: Capability
  /** What does not work without it. */
  readonly what: string
}

/** What the policies promise, against what the server grants the token. */
export interface Preflight {
  /** Nothing that the policies promise is missing. */
  readonly ok: boolean
  /** Paths of rules that were looked at. */
  readonly paths: number
  readonly missing: readonly MissingCapability[]
  /** No promise of a policy; some of it degrades, none of it stops the gateway. */
  readonly own: readonly MissingOwn[]
  /** The smallest server policy that would grant what is missing, in HCL; empty where nothing is. One for each namespace. */
  readonly hcl: Readonly<Record<string, string>>
}

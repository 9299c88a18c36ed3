/** `true` where `A` and `B` are one type: `any`, `readonly` and optional marks count as differences. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Refuses to compile unless each type told is `true`. */
export function expectTypes<_All extends readonly true[]>(): void {}

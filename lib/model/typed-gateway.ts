import type { Answer } from './answer.ts'
import type { CallerAttributes } from './caller.ts'
import type { CallOptions, Gateway, HoldOptions, ScopeOptions } from './gateway.ts'
import type { JsonObject } from './json.ts'
import type { Lease } from './lease.ts'

/** Does a path match a pattern of a policy? `+` is one segment, `*` at the end the rest. */
type Matches<Path extends string, Pattern extends string> = Pattern extends '*'
  ? true
  : Pattern extends `${infer First}/${infer Rest}`
    ? Path extends `${infer Head}/${infer Tail}`
      ? SegmentMatches<Head, First> extends true
        ? Matches<Tail, Rest>
        : false
      : false
    : Path extends `${string}/${string}`
      ? false
      : SegmentMatches<Path, Pattern>

type SegmentMatches<Segment extends string, Pattern extends string> = Pattern extends '+'
  ? true
  : Pattern extends `${infer Start}*`
    ? Segment extends `${Start}${string}`
      ? true
      : false
    : Segment extends Pattern
      ? true
      : false

/** What stands at the patterns that match `Path`: at the path itself, where it is one of them. */
type EndpointAt<Endpoints, Path extends string> = Path extends keyof Endpoints
  ? Endpoints[Path]
  : {
      [Pattern in keyof Endpoints & string]: Matches<Path, Pattern> extends true ? Endpoints[Pattern] : never
    }[keyof Endpoints & string]

/** An endpoint that offers `Name`, of a union of some. */
type Offering<Endpoint, Name extends string> = Endpoint extends { readonly [N in Name]: infer Operation }
  ? Operation
  : never

type DataOf<Endpoints, Path extends string, Name extends string> = [
  Offering<EndpointAt<Endpoints, Path>, Name>,
] extends [never]
  ? JsonObject
  : Offering<EndpointAt<Endpoints, Path>, Name> extends { readonly answer: infer Data }
    ? Data
    : JsonObject

type RequestOf<Endpoints, Path extends string, Name extends string> = [
  Offering<EndpointAt<Endpoints, Path>, Name>,
] extends [never]
  ? unknown
  : Offering<EndpointAt<Endpoints, Path>, Name> extends { readonly request: infer Data }
    ? Data
    : unknown

/**
 * A {@link Gateway} whose calls are typed by the paths they name.
 *
 * @typeParam Endpoints - As `portcullis policy generate --types` writes it; a path that it does not know is as untyped as ever.
 * @example
 * const gateway: TypedGateway<Endpoints> = await createGateway(options)
 * const { data } = await gateway.write('transit/encrypt/cards', { plaintext })
 */
export interface TypedGateway<Endpoints>
  extends Omit<Gateway, 'read' | 'list' | 'write' | 'patch' | 'delete' | 'lease' | 'as'> {
  read<Path extends string>(path: Path, options?: CallOptions): Promise<Answer<DataOf<Endpoints, Path, 'read'>>>
  list<Path extends string>(path: Path, options?: CallOptions): Promise<Answer<{ readonly keys: readonly string[] }>>
  write<Path extends string>(
    path: Path,
    data?: RequestOf<Endpoints, Path, 'write'>,
    options?: CallOptions,
  ): Promise<Answer<DataOf<Endpoints, Path, 'write'>>>
  patch<Path extends string>(
    path: Path,
    data: RequestOf<Endpoints, Path, 'patch'>,
    options?: CallOptions,
  ): Promise<Answer<DataOf<Endpoints, Path, 'patch'>>>
  delete<Path extends string>(path: Path, options?: CallOptions): Promise<Answer<DataOf<Endpoints, Path, 'delete'>>>
  lease<Path extends string>(path: Path, options?: HoldOptions): Promise<Lease<DataOf<Endpoints, Path, 'read'>>>
  as(attributes: CallerAttributes, options?: ScopeOptions): TypedGateway<Endpoints>
}

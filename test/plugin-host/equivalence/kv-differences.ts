import type { Difference } from './compare.ts'
import type { PeerAnswer } from './peer.ts'

const GO_WORDS = /strconv|invalid duration|unconvertible type|cannot provide negative value/

/** Where our kv does not answer as the server's own, in any host. */
export const KV_DIFFERENCES: readonly Difference[] = [
  {
    reason: 'a value of another type is refused in words of our own: the server gives those of its decoder',
    holds: (_, server, other) => {
      const [said = ''] = server.body.errors ?? []
      const [ours = ''] = other.body.errors ?? []
      const isOurs = /^Field validation failed: "|^custom_metadata validation failed: /.test(ours)
      return server.status === 400 && other.status === 400 && GO_WORDS.test(said) && isOurs
    },
  },
  {
    reason: 'a patch of custom metadata with a value that is no text is refused: the server fails',
    holds: ({ text }, server, other) =>
      text.startsWith('patch v2/metadata/custom ') &&
      saysJson(server, 500) &&
      other.status === 400 &&
      other.body.errors?.[0] === 'custom_metadata validation failed: values must be texts',
  },
  {
    reason: 'a version whose data is null is patched as if it were empty (RFC 7396): the server fails',
    holds: ({ text }, server, other) =>
      text === 'patch v2/data/null {"data":{"x":1}}'
        ? server.status === 500 && other.status === 200
        : text === 'read v2/data/null' && server.body.data?.data === null && other.status === 200,
  },
  {
    reason: 'a name with a slash at its end is read as the name: the server fails',
    holds: ({ text }, server, other) => text === 'read v2/data/slash/' && server.status === 500 && other.status === 200,
  },
  {
    reason: 'that the path overrides a field is said in words of our own',
    holds: ({ text }, server, other) =>
      text.includes('"path":"other"') &&
      server.status === other.status &&
      other.body.warnings?.[0] === 'Endpoint took the values of these parameters from its path: [path]',
  },
]

/** Beside those, what differs in our host. */
export const IN_HOST: readonly Difference[] = [
  {
    reason:
      'paths that are none are 404 without advice: for a gateway a 404 without data is an error, and carries no warnings',
    holds: (_, server, other) =>
      isAdvice(server) && other.status === 404 && other.body.warnings === undefined && other.body.errors === undefined,
  },
  {
    reason: 'a "ttl" of 0 or less is told as the time of the mount',
    holds: ({ text }, server, other) =>
      text.startsWith('read v1/ttl/none-') &&
      (server.body.lease?.seconds ?? 0) <= 0 &&
      other.body.lease?.seconds === 2_764_800,
  },
]

/** Beside those, what differs in a server under a name that is not `kv`. */
export const IN_SERVER: readonly Difference[] = [
  {
    reason: 'paths that are none are answered with advice of our own: the server names its command line',
    holds: (_, server, other) => isAdvice(server) && isAdvice(other),
  },
  {
    reason:
      'a read of version 1 tells no time: the server would make and store a lease of it for any type but its own kv',
    holds: ({ operation, path }, server, other) =>
      operation === 'read' &&
      path.startsWith('v1/') &&
      server.status === 200 &&
      server.body.lease !== undefined &&
      other.body.lease === undefined &&
      JSON.stringify({ ...server.body, lease: undefined }) === JSON.stringify(other.body),
  },
]

function isAdvice({ status, body }: PeerAnswer): boolean {
  return status === 404 && body.data === undefined && body.errors === undefined && body.warnings?.length === 1
}

function saysJson({ status, body }: PeerAnswer, wanted: number): boolean {
  return status === wanted && body.errors?.[0]?.includes('json: cannot unmarshal') === true
}

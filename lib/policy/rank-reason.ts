import { comparePatterns, type Pattern } from './pattern.ts'

/** Why the server asks the rules at `winner` and not those at `loser`, both of which match: completes "`winner` is more specific". */
export function rankReason(winner: Pattern, loser: Pattern): string {
  if (winner.isExact && !loser.isExact) return ''
  if (winner.isExact || comparePatterns(winner, loser) < 0)
    return ', since a listing asks for the path with its slash first'
  if (winner.firstWildcard !== loser.firstWildcard) return ', since its first wildcard stands later'
  if (winner.isPrefix !== loser.isPrefix) return ', since it does not end in "*"'
  if (winner.plusCount !== loser.plusCount) return ' for the server, since it has fewer "+"'
  if (winner.bytes.length !== loser.bytes.length) return ', since it is longer'
  return ' for the server, since it sorts later'
}

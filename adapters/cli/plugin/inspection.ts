import type { Inspection } from 'portcullis/plugin-host'
import { type Screen, shown } from '../screen.ts'

/** Most lines of one list for people; machines get all. */
const MAX_LINES = 60

/** What a plugin says of itself, for people. Each word of it is foreign. */
export function inspectionLines(inspection: Inspection, screen: Screen): readonly string[] {
  const { type, version, protocolVersion, multiplexing, services, differences, specialPaths, paths, help } = inspection
  const features = [`protocol ${protocolVersion}`, multiplexing ? 'multiplexing' : 'no multiplexing', 'AutoMTLS']
  return [
    `type      ${type}`,
    `version   ${version === '' ? '(it reports none)' : shown(version)}`,
    `speaks    ${features.join(', ')}`,
    ...section('services', services ?? ['(it serves no reflection)'], screen),
    ...section('differences from our descriptors', differences, screen),
    ...section('paths without a token (unauthenticated)', specialPaths?.unauthenticated ?? [], screen),
    ...section('paths that need sudo (root)', specialPaths?.root ?? [], screen),
    ...section('seal-wrapped storage', specialPaths?.sealWrapStorage ?? [], screen),
    ...section('paths', paths.map(pathLine), screen),
    ...section('help', help.trim() === '' ? [] : help.trim().split('\n'), screen),
  ]
}

function pathLine({ path, operations, summary, unauthenticated }: Inspection['paths'][number]): string {
  const open = unauthenticated ? '  [no token]' : ''
  return `${path}  (${operations.join(', ')})${open}${summary === '' ? '' : `  ${summary}`}`
}

function section(title: string, lines: readonly string[], screen: Screen): readonly string[] {
  if (lines.length === 0) return []
  const more = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} more (--json has all)`] : []
  return [screen.styled('bold', title), ...lines.slice(0, MAX_LINES).map((line) => `  ${shown(line)}`), ...more]
}

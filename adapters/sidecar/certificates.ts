import type { CallerAttributes } from 'portcullis'
import type { CertificateConfig } from './config/config.ts'

/** A client certificate as Node tells of it. */
export interface ShownCertificate {
  readonly subjectaltname?: string | undefined
  readonly fingerprint256?: string | undefined
}

/** The caller of a certificate whose chain has been verified; the first of `known` that fits. */
export function callerOfCertificate(
  shown: ShownCertificate,
  known: readonly CertificateConfig[],
): CallerAttributes | undefined {
  const names = altNames(shown.subjectaltname ?? '')
  return known.find(({ uri, dns, fingerprint }) => {
    if (uri !== undefined) return names.has(`URI:${uri}`)
    if (dns !== undefined) return names.has(`DNS:${dns}`)
    return fingerprint !== undefined && fingerprint === shown.fingerprint256
  })?.caller
}

/** Node quotes names that hold marks of its own, so that none can pass for two. */
function altNames(text: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const [, kind = '', value = ''] of text.matchAll(/([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy))
    names.add(`${kind}:${value.startsWith('"') ? JSON.parse(value) : value}`)
  return names
}

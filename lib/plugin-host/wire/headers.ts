import type { Header } from './gen/backend.ts'

type Headers = Readonly<Record<string, readonly string[]>>

/** Values by name, names as Go looks them up. */
export function headersToWire(headers: Headers | undefined): Map<string, Header> {
  const wire = new Map<string, Header>()
  for (const name in headers) wire.set(canonicalHeader(name), { header: [...(headers[name] ?? [])] })
  return wire
}

export function headersFromWire(headers: ReadonlyMap<string, Header>): Headers {
  // Defines properties, so that a name `__proto__` is one like any other.
  return headers.size === 0 ? {} : Object.fromEntries([...headers].map(([name, { header }]) => [name, header]))
}

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/

/** `x-forwarded-for` becomes `X-Forwarded-For`; what is no name of a header stays as it is, as in Go. */
export function canonicalHeader(name: string): string {
  if (!TOKEN.test(name)) return name
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
}

/** Scheme, user and what stands between the first colon and the `@`. */
const URL_PASSWORD = /^([A-Za-z][A-Za-z\d+.-]*:\/\/[^/?#:@]*:)([^/?#]*)@/

/** Does a connection URL carry a password in plain, where it should say `{{password}}`? */
export function hidesPassword(url: unknown): boolean {
  const password = typeof url === 'string' ? URL_PASSWORD.exec(url)?.[2] : undefined
  return password !== undefined && password !== '' && password !== '{{password}}'
}

/** `url` with its password replaced, as the server shows it. */
export function withoutPassword(url: string): string {
  return hidesPassword(url) ? url.replace(URL_PASSWORD, '$1xxxxx@') : url
}

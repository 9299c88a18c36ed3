import { SessionError } from '../../errors/index.ts'
import { type Sealed, seal } from '../../model/sealed.ts'
import { stringOption } from '../../options/check.ts'
import type { LoginContext } from '../../ports/auth-method.ts'

/** Where a credential comes from: a value kept sealed, or a file read anew at each login. */
export type Credential = { readonly value: Sealed<string> } | { readonly file: string }

/** What a file with a credential holds. `token`: printable ASCII, white space around it cut off. `line`: any text of one line. */
export type CredentialForm = 'token' | 'line'

/** Checks that exactly one of `value` and `file` is given. @throws {TypeError} naming both options. */
export function credential(name: string, value: unknown, file: unknown): Credential {
  if ((value === undefined) === (file === undefined)) throw new TypeError(`give either ${name} or ${name}File`)
  if (file !== undefined) return { file: stringOption(`${name}File`, file, '') }
  return { value: seal(stringOption(name, value, '')) }
}

/** The credential as it stands now. @throws {SessionError} `ERR_PORTCULLIS_SESSION_CREDENTIALS`. */
export async function readCredential(
  source: Credential,
  context: LoginContext,
  method: string,
  name: string,
  form: CredentialForm = 'token',
): Promise<Sealed<string>> {
  if ('value' in source) return source.value
  let text: string
  try {
    text = await context.readText(source.file)
  } catch (cause) {
    throw credentialError(method, `cannot read ${name} from ${source.file}`, cause)
  }
  const found = form === 'token' ? text.trim() : text.replace(/\r?\n$/, '')
  if (!(form === 'token' ? isCredential(found) : isLine(found))) {
    throw credentialError(method, `${source.file} holds no usable ${name}: it ${UNUSABLE[form]}`)
  }
  return seal(found)
}

const UNUSABLE: Readonly<Record<CredentialForm, string>> = {
  token: 'is empty, or has white space or characters outside ASCII',
  line: 'is empty, or has more than one line',
}

/** Can `text` be a token or an id? A line break in one would end the header that carries it. */
export function isCredential(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function isLine(text: string): boolean {
  return text !== '' && !/[\0\r\n]/.test(text)
}

/** There is no usable credential to log in with. */
export function credentialError(method: string, message: string, cause?: unknown): SessionError {
  return new SessionError('ERR_PORTCULLIS_SESSION_CREDENTIALS', message, { method, cause })
}

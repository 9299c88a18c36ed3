import type { Answer, CallOptions, Decision, Explanation, Gateway, Health, JsonObject, KvSecret } from 'portcullis'
import { type Equal, expectTypes } from './equal.ts'

declare const gateway: Gateway

/** What the calls of a gateway give. Only compiled. */
export async function calls(): Promise<void> {
  const plain = await gateway.read('kv/data/a')
  const typed = await gateway.read<{ readonly username: string }>('database/creds/app')
  const listed = await gateway.list('kv/metadata/')
  const written = await gateway.write('kv/data/a')
  const issued = await gateway.login('auth/userpass/login/a', { password: 'p' })
  const kept = await gateway.kv().read<{ color: string }>('a')
  const opened = await gateway.unwrap<{ readonly a: number }>('hvs.x', { creationPath: 'kv/data/a' })
  expectTypes<
    [
      Equal<typeof plain, Answer<JsonObject>>,
      Equal<(typeof typed)['data'], { readonly username: string }>,
      Equal<(typeof listed)['data'], { readonly keys: readonly string[] }>,
      Equal<typeof written, Answer>,
      Equal<typeof issued, Answer>,
      Equal<typeof kept, KvSecret<{ color: string }>>,
      Equal<(typeof kept)['value'], { color: string } | undefined>,
      Equal<(typeof opened)['data']['a'], number>,
      Equal<ReturnType<Gateway['explain']>, Explanation>,
      Equal<ReturnType<Gateway['evict']>, number>,
      Equal<ReturnType<Gateway['health']>, Promise<Health>>,
      Equal<ReturnType<Gateway['as']>, Gateway>,
      Equal<ReturnType<Gateway['close']>, Promise<void>>,
    ]
  >()
}

/** What an answer says of itself. */
export function answers(answer: Answer): void {
  expectTypes<
    [
      Equal<Answer['source'], 'server' | 'cache' | 'stale' | 'dry-run'>,
      Equal<Answer['decision'], Decision>,
      Equal<Decision['effect'], 'allow' | 'deny'>,
      Equal<Answer['auth'] extends { readonly token: string } | undefined ? true : false, true>,
    ]
  >()
  // @ts-expect-error: answers are shared between callers
  answer.data = {}
  // @ts-expect-error: at every depth
  answer.data.username = 'u'
  // @ts-expect-error: lists in them too
  answer.warnings.push('w')
  // @ts-expect-error: a decision is a record of what was decided
  answer.decision.effect = 'allow'
}

/** What a call cannot be told. */
export function refused(options: CallOptions): void {
  // @ts-expect-error: options are readonly
  options.timeoutMs = 1
  // @ts-expect-error: no such option
  void gateway.read('kv/a', { timeout: 1 })
  // @ts-expect-error: a number of milliseconds
  void gateway.read('kv/a', { timeoutMs: '1s' })
  // @ts-expect-error: an option is given or left out, not undefined
  void gateway.read('kv/a', { timeoutMs: undefined })
  // @ts-expect-error: a path is needed
  void gateway.read()
  // @ts-expect-error: a patch has data
  void gateway.patch('kv/a')
  // @ts-expect-error: not an operation
  gateway.explain({ operation: 'create', path: 'kv/a' })
  // @ts-expect-error: one target
  gateway.evict({})
  // @ts-expect-error: a certificate has a name
  void gateway.pki().issue('web', {})
  // @ts-expect-error: attributes are plain values
  gateway.as({ user: { id: 1 } })
  // @ts-expect-error: a secret of kv is an object
  void gateway.kv().write('a', 'text')
}

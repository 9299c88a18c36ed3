import { PolicyLoadError } from '../errors/index.ts'

/** A part of a policy document, for messages: file and JSON pointer. */
export class Place {
  readonly file: string
  readonly pointer: string

  constructor(file: string, pointer = '') {
    this.file = file
    this.pointer = pointer
  }

  /** The part at `keys` below this one. */
  at(...keys: readonly (string | number)[]): Place {
    return new Place(this.file, this.pointer + pointerOf(keys))
  }

  /** The error that says what is wrong here. */
  refusal(problem: string): PolicyLoadError {
    const { file, pointer } = this
    const where = pointer === '' ? file : `${file} at ${pointer}`
    return new PolicyLoadError(`${where}: ${problem}`, { file, pointer })
  }
}

/** JSON pointer of `keys`. */
export function pointerOf(keys: readonly (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The keys that `pointer` names. */
export function keysOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The keys that a URI fragment of ajv's names, such as `#/%24defs/rule/required`. */
export function fragmentKeys(fragment: string): readonly string[] {
  const encoded = keysOf(fragment.slice(fragment.indexOf('#')))
  try {
    return encoded.map(decodeURIComponent)
  } catch {
    return encoded
  }
}

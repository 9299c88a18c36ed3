import type { Ajv2020, _ as Code, CodeKeywordDefinition, KeywordCxt, Name } from 'ajv/dist/2020.js'

/** What of ajv makes code. */
export interface CodeMaker {
  readonly _: typeof Code
  readonly Name: typeof Name
}

/** Of ajv's `Type`: the name of a property is a text. */
const TEXT = 1

/**
 * Puts keywords of our own in place of two of ajv 8.20 that keep what they saw as names of a plain object.
 *
 * Every such object has `constructor`, `toString` and the like from its prototype. So `unevaluatedProperties` took these
 * for evaluated and let them pass, and `uniqueItems` did not see the text `__proto__` twice.
 */
export function replaceKeywords(ajv: Ajv2020, code: CodeMaker): void {
  replace(ajv, 'unevaluatedProperties', (original) => ({ ...original, code: (cxt) => unevaluated(cxt, code) }))
  // Without types of items it compares each with each, and keeps nothing.
  replace(ajv, 'uniqueItems', (original) => ({
    ...original,
    code: (cxt) => original.code(Object.create(cxt, { parentSchema: { value: {} } })),
  }))
}

function replace(
  ajv: Ajv2020,
  keyword: string,
  changed: (original: CodeKeywordDefinition) => CodeKeywordDefinition,
): void {
  const original = ajv.getKeyword(keyword)
  if (typeof original !== 'object' || !('code' in original)) throw new Error(`ajv has no ${keyword}`)
  ajv.removeKeyword(keyword)
  ajv.addKeyword(changed({ ...original, keyword }))
}

/** As in ajv, but a name counts as seen only where it was put down. */
function unevaluated(cxt: KeywordCxt, { _, Name }: CodeMaker): void {
  const { gen, schema, data, errsCount, it } = cxt
  const { props } = it
  const judged = (key: Name): void => {
    if (schema === false) {
      cxt.setParams({ unevaluatedProperty: key })
      cxt.error()
      gen.break()
      return
    }
    const valid = gen.name('valid')
    cxt.subschema({ keyword: 'unevaluatedProperties', dataProp: key, dataPropType: TEXT }, valid)
    gen.if(_`!${valid}`, () => gen.break())
  }
  const isLeft = (key: Name): ReturnType<typeof Code> => {
    if (props === undefined) return _`true`
    if (props instanceof Name) return _`!${props} || !Object.hasOwn(${props}, ${key})`
    return Object.keys(props).reduce((code, name) => _`${code} && ${key} !== ${name}`, _`true`)
  }
  const all = (): void => {
    gen.forIn('key', data, (key) => gen.if(isLeft(key), () => judged(key)))
  }
  if (schema !== true && props !== true) {
    if (props instanceof Name) gen.if(_`${props} !== true`, all)
    else all()
  }
  it.props = true
  cxt.ok(_`${errsCount} === errors`)
}

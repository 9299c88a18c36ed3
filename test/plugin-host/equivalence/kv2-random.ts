import { type Step, step } from './script.ts'

const NAMES = ['r/a', 'r/a/b', 'r/c', 'r/d/e/f']
const DATA = ['{}', '{"x":1}', '{"x":{"y":[1,2]},"z":"ü"}', '{"x":null,"w":{"v":{"u":true}}}']
const CUSTOM = ['{}', '{"a":"b"}', '{"c":"d","e":"f"}', 'null']

/** `count` requests to a v2 mount on a few names, each drawn by `seed`: what a table of single cases would miss. */
export function kv2Random(mount: string, count: number, seed: number): readonly Step[] {
  const random = generator(seed)
  return Array.from({ length: count }, () => drawn(mount, random))
}

type Random = (below: number) => number

/** Numerical Recipes' linear congruential generator: the same everywhere, and good enough to draw cases. */
function generator(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function drawn(mount: string, random: Random): Step {
  const pick = (choices: readonly string[]): string => choices[random(choices.length)] ?? ''
  const name = pick(NAMES)
  const versions = `{"versions":[${Array.from({ length: 1 + random(3) }, () => 1 + random(9)).join(',')}]}`
  const options = random(3) === 0 ? `,"options":{"cas":${random(8)}}` : ''
  const makers: readonly (() => Step)[] = [
    () => step(mount, 'write', `data/${name}`, `{"data":${pick(DATA)}${options}}`),
    () => step(mount, 'write', `data/${name}`, `{"data":${pick(DATA)}${options}}`),
    () => step(mount, 'patch', `data/${name}`, `{"data":${pick(DATA)}${options}}`),
    () => step(mount, 'read', `data/${name}?version=${random(9)}`),
    () => step(mount, 'read', `data/${name}`),
    () => step(mount, 'read', `subkeys/${name}?version=${random(6)}&depth=${random(4)}`),
    () => step(mount, 'read', `metadata/${name}`),
    () => step(mount, 'delete', `data/${name}`),
    () => step(mount, 'write', `delete/${name}`, versions),
    () => step(mount, 'write', `undelete/${name}`, versions),
    () => step(mount, 'write', `destroy/${name}`, versions),
    () => step(mount, 'write', `metadata/${name}`, `{"max_versions":${random(5)},"custom_metadata":${pick(CUSTOM)}}`),
    () =>
      step(mount, 'patch', `metadata/${name}`, `{"cas_required":${random(4) === 0},"custom_metadata":${pick(CUSTOM)}}`),
    () => step(mount, 'list', pick(['metadata', 'metadata/r', 'metadata/r/d', 'detailed-metadata/r'])),
    () => (random(4) === 0 ? step(mount, 'delete', `metadata/${name}`) : step(mount, 'read', `metadata/${name}`)),
  ]
  return makers[random(makers.length)]?.() ?? step(mount, 'read', `data/${name}`)
}

import { CONFIG, DATA, METADATA, PATCHES, PATHS, VERSIONS } from './kv2-tables.ts'
import { type Step, step, stepsOf } from './script.ts'

const CAS = ['0', '1', '2', '-1', '"2"', '"x"', '1.5', 'null', '""', 'true', '"+2"', '{}', '[]']
const VERSION_QUERIES = ['0', '1', '2', '99', '-1', 'x', '', '1.5', '007']
const NUMBERS = [
  '[1]',
  '"1,2"',
  '[]',
  '""',
  'null',
  '1',
  '[0,-1]',
  '[99]',
  '["x"]',
  '[1.5]',
  '["2"]',
  '{"a":1}',
  '[1,1,2]',
]
const CUSTOM = [
  ...['{}', 'null', '{"a":"b"}', '{"a":1}', '{"a":1.5}', '{"a":true}', '{"a":false}', '{"a":null}', '{"a":{}}', '"x"'],
  ...['["a=b"]', '[]', '{"":"v"}', '{"k":""}', '{"k\\n":"v"}', '{"k":"v\\u0001"}', '{"k x":"v v"}', '{"\\u00ad":"v"}'],
  ...['{"ü":"日本 😀"}', '{"k\\"q":"v"}'],
]

/** Requests to a v2 mount: all paths and operations, and what is refused. */
export function kv2Script(mount: string): readonly Step[] {
  const lines = (script: string): readonly Step[] => stepsOf(mount, script)
  return [
    ...lines(CONFIG),
    ...lines(DATA),
    ...cas(mount),
    ...VERSION_QUERIES.map((version) => step(mount, 'read', `data/cas?version=${version}`)),
    ...VERSION_QUERIES.map((version) => step(mount, 'read', `subkeys/cas?version=${version}`)),
    ...lines(VERSIONS),
    ...numbers(mount),
    ...lines(METADATA),
    ...custom(mount),
    ...lines(PATCHES),
    ...lines(PATHS),
  ]
}

function cas(mount: string): readonly Step[] {
  const setUp = stepsOf(mount, 'write data/cas {"data":{"x":1}}\nwrite data/cas {"data":{"x":{"y":[2]}}}')
  return [
    ...setUp,
    ...CAS.flatMap((value) => [
      step(mount, 'write', 'data/cas', `{"data":{"x":{"y":1}},"options":{"cas":${value}}}`),
      step(mount, 'patch', 'data/cas', `{"data":{"x":{"z":1}},"options":{"cas":${value}}}`),
    ]),
    step(mount, 'read', 'data/cas'),
    step(mount, 'read', 'metadata/cas'),
  ]
}

function numbers(mount: string): readonly Step[] {
  return ['delete', 'undelete', 'destroy'].flatMap((folder) => [
    ...stepsOf(mount, `write data/n-${folder} {"data":{"a":1}}\nwrite data/n-${folder} {"data":{"a":2}}`),
    ...NUMBERS.flatMap((value) => [
      step(mount, 'write', `${folder}/n-${folder}`, `{"versions":${value}}`),
      step(mount, 'read', `metadata/n-${folder}`),
    ]),
    ...stepsOf(
      mount,
      `
      write ${folder}/n-${folder} {}
      write ${folder}/n-${folder} {"versions":[1],"x":2}
      write ${folder}/none {"versions":[1]}
      write ${folder}/none {}
      write ${folder}/ {"versions":[1]}
      write ${folder} {"versions":[1]}
      read ${folder}/n-${folder}
      delete ${folder}/n-${folder}
      list ${folder}/n-${folder}
      list ${folder}
      read ${folder}
      `,
    ),
  ])
}

function custom(mount: string): readonly Step[] {
  const many = (count: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v'])))
  const sizes = [
    ...[many(64), many(65), `{"${'k'.repeat(128)}":"v"}`, `{"${'k'.repeat(129)}":"v"}`],
    ...[`{"k":"${'v'.repeat(512)}"}`, `{"k":"${'v'.repeat(513)}"}`, `{"k":"${'é'.repeat(257)}"}`],
  ]
  return [...CUSTOM, ...sizes].flatMap((value) => [
    step(mount, 'write', 'metadata/custom', `{"custom_metadata":${value}}`),
    step(mount, 'read', 'metadata/custom'),
    step(mount, 'patch', 'metadata/custom', `{"custom_metadata":${value}}`),
    step(mount, 'read', 'metadata/custom'),
  ])
}

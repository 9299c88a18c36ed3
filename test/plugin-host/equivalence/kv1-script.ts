import { type Step, step, stepsOf } from './script.ts'

const BASICS = `
  read a
  write a {}
  write a
  write a {"x":1,"n":null,"deep":{"a":[1,2.5,{}]},"text":"ü€\\n"}
  read a
  write a {"y":2}
  read a
  read a?version=3
  read a?b=1&a=2
  patch a {"z":1}
  patch none {"z":1}
  write x {"data":{"a":1}}
  read x
  write path {"path":"other","b":1}
  read path
  read other
  delete none
  delete a
  read a
  delete a
  write proto {"__proto__":{"x":1},"constructor":1}
  read proto
  write __proto__ {"x":1}
  read __proto__
  write error {"error":"boom"}
  read error
  write error2 {"error":"boom","more":1}
  read error2
  write keys {"keys":[]}
  read keys
`

const FOLDERS = `
  write d/e/f {"x":1}
  write d/e {"x":2}
  write d/e/f/g/h/i/j/k/l {"x":3}
  list d
  list d/
  list d/e
  list d/e/f/g/h/i/j/k
  list d/e/f/g/h/i/j/k/l
  list none
  list none?foo=1
  list ?foo=1
  list a?after=a&limit=2
  read d/e/
  read d/
  read /
  read .
  write d/e/ {"x":1}
  write / {"x":1}
  write . {"x":1}
  delete d/e/
  delete d/
  read d/e
  delete d/e
  list d
  list d/e
  delete d/e/f
  list d/e
  list .
  list /
`

const TTLS = ['"30s"', '60', '"100"', '"7d"', '"1h30m"', '"1.9s"', '"9000h"', '"bogus"', 'true', '1.5', '{"a":1}', '[]']

const NAMES = [
  ...['sp%20ace', 'q%3Fm', 'h%23m', '%E2%82%AC', 'pc%25t', '.hidden', 'x..y', '%26', 'a%2Bb', 'a%3Bb', 'a%5Cb', "it's"],
  ...['UPPER', 'upper', '%E6%97%A5%E6%9C%AC/%E8%AA%9E', 'a:b@c', '%22quoted%22', '~', 'config', 'metadata/x', '0'],
]

/** Requests to a v1 mount: all operations, and what is refused. */
export function kv1Script(mount: string): readonly Step[] {
  const ttls = TTLS.flatMap((ttl, at) => [
    step(mount, 'write', `ttl/${at}`, `{"ttl":${ttl}}`),
    step(mount, 'read', `ttl/${at}`),
  ])
  const leases = [
    step(mount, 'write', 'ttl/lease', '{"lease":"2h"}'),
    step(mount, 'read', 'ttl/lease'),
    step(mount, 'write', 'ttl/both', '{"lease":"2h","ttl":"1h"}'),
    step(mount, 'read', 'ttl/both'),
    ...['0', '""', '"-1h"'].flatMap((ttl, at) => [
      step(mount, 'write', `ttl/none-${at}`, `{"ttl":${ttl}}`),
      step(mount, 'read', `ttl/none-${at}`),
    ]),
  ]
  const names = NAMES.flatMap((name) => [
    step(mount, 'write', `n/${name}`, '{"x":1}'),
    step(mount, 'read', `n/${name}`),
  ])
  return [
    ...stepsOf(mount, BASICS),
    ...stepsOf(mount, FOLDERS),
    ...ttls,
    ...leases,
    ...names,
    step(mount, 'list', 'n'),
    step(mount, 'list', 'n/metadata'),
  ]
}

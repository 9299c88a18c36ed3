import { ask, type Side, type Step } from './script.ts'

/** Every operation on every path that the plugin at `root` says it has; parameters are `one`. */
export async function everyPath({ peer }: Side, root: string): Promise<readonly Step[]> {
  const { body } = await peer.send({ method: 'GET', path: `${root}?help=1` })
  const paths = Object.keys((body as { readonly openapi: { readonly paths: object } }).openapi.paths)
  return paths.flatMap((path) => everything(`${root}${path.replaceAll(/\{[^}]*\}/g, 'one')}`))
}

function everything(path: string): readonly Step[] {
  return [
    ask('GET', `${path}?help=1`),
    ask('GET', path),
    ask('GET', path, undefined, { token: '' }),
    ask('LIST', path),
    ...(path.endsWith('/')
      ? []
      : [ask('POST', path, {}), ask('POST', path, { name: 'one', unknown: 1 }), ask('PATCH', path, {})]),
    ask('GET', path),
    ask('DELETE', path),
  ]
}

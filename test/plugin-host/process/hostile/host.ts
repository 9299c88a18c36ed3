// A host in a process of its own, to be killed: argv has its folder, then an entry as JSON.
import { spawn } from 'node:child_process'
import { createPlugins } from '../../../../lib/plugin-host/process/create-plugins.ts'
import { guardGroup } from '../../../../lib/plugin-host/process/guard.ts'
import { CALL, mountOf, request, servicesOf } from '../plugins-for-test.ts'

const [folder = '', entry = ''] = process.argv.slice(2)
if (entry === 'guard') {
  const child = spawn('sleep', [folder], { detached: true, stdio: 'ignore' })
  guardGroup(child.pid ?? 0)
  console.log(JSON.stringify({ pid: child.pid }))
} else {
  const plugins = createPlugins({ folder })
  const backend = await plugins.backend(JSON.parse(entry), mountOf('m/'), servicesOf())
  const { response } = await backend.handle(request('read', 'fork'), CALL)
  console.log(response?.data ?? '{}')
}
setInterval(() => {}, 60_000)

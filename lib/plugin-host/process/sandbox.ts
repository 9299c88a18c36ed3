import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import type { ProcessFolders } from './folders.ts'

/** What one sandbox holds. */
export interface SandboxView {
  readonly folders: ProcessFolders
  /** The program, and whatever else the plugin may read; files or folders. */
  readonly readOnly: readonly string[]
  readonly hasNetwork: boolean
}

/** Nobody, inside. */
const INNER_ID = '65534'
/** Memory that files in the sandbox's own `/tmp` and `/dev/shm` may take, in bytes; no watch on processes sees it. */
const TMPFS_BYTES = String(64 * 1024 * 1024)
/** Programs and libraries of the system. */
const SYSTEM = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Names, certificates and time zones; nothing of users. */
const SETTINGS = [
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/ca-certificates.conf',
  '/etc/hosts',
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/pki',
  '/etc/resolv.conf',
  '/etc/ssl',
]

/** Arguments of bubblewrap that show a plugin the system's programs, its own folders, and no process but its own. */
export function sandboxArgs({ folders, readOnly, hasNetwork }: SandboxView): readonly string[] {
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(hasNetwork ? [] : ['--unshare-net']),
    ...['--die-with-parent', '--cap-drop', 'ALL', '--uid', INNER_ID, '--gid', INNER_ID, '--hostname', 'plugin'],
    ...bound('/usr'),
    ...SYSTEM.flatMap(systemFolder),
    ...SETTINGS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--size', TMPFS_BYTES, '--tmpfs', '/dev/shm', '--size', TMPFS_BYTES, '--tmpfs', '/tmp'],
    ...readOnly.flatMap(bound),
    // The sockets of the host stand in `base`, where the plugin must put none of its own.
    ...bound(folders.base),
    ...[folders.sockets, folders.home].flatMap((folder) => ['--bind', folder, folder]),
    ...['--chdir', folders.home, '--'],
  ]
}

function bound(path: string): readonly string[] {
  return ['--ro-bind', path, path]
}

/** A link on systems that keep all in `/usr`, a folder on others. */
function systemFolder(path: string): readonly string[] {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : bound(path)
}

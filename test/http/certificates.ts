import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A certificate and its key, PEM, and the files they stand in. */
export interface Pair {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

/** An authority, and what it signed. */
export interface Certificates {
  readonly authority: Pair
  /** For localhost and 127.0.0.1. */
  readonly server: Pair
  /** For vault.example alone. */
  readonly elsewhere: Pair
  readonly client: Pair
  /** For localhost, signed by itself. */
  readonly stranger: Pair
  /** For localhost, past its end. */
  readonly expired: Pair
}

/** Fresh certificates, gone after the test. */
export function certificates(t: TestContext): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const authority = selfSigned(folder, 'authority', 'CA:TRUE', 'DNS:authority')
  const local = 'DNS:localhost,IP:127.0.0.1'
  return {
    authority,
    server: signed(folder, 'server', local, authority),
    elsewhere: signed(folder, 'elsewhere', 'DNS:vault.example', authority),
    client: signed(folder, 'client', 'DNS:client', authority),
    stranger: selfSigned(folder, 'stranger', 'CA:FALSE', local),
    expired: signed(folder, 'expired', local, authority, [
      '-not_before',
      '20200101000000Z',
      '-not_after',
      '20200102000000Z',
    ]),
  }
}

function selfSigned(folder: string, name: string, basic: string, names: string): Pair {
  const files = filesOf(folder, name)
  const extensions = ['-addext', `basicConstraints=critical,${basic}`, '-addext', `subjectAltName=${names}`]
  openssl([
    'req',
    '-x509',
    ...newKey(files),
    '-out',
    files.certFile,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    ...extensions,
  ])
  return pairOf(files)
}

function signed(folder: string, name: string, names: string, authority: Pair, dates: readonly string[] = []): Pair {
  const files = filesOf(folder, name)
  const csr = join(folder, `${name}.csr`)
  openssl(['req', ...newKey(files), '-out', csr, '-subj', `/CN=${name}`])
  const config = join(folder, `${name}.cnf`)
  writeFileSync(join(folder, `${name}.index`), '')
  writeFileSync(config, caConfig(folder, name, names))
  const span =
    dates.length > 0
      ? dates.map((part) => part.replace('not_before', 'startdate').replace('not_after', 'enddate'))
      : ['-days', '2']
  const by = ['-cert', authority.certFile, '-keyfile', authority.keyFile]
  openssl(['ca', '-batch', '-notext', '-config', config, ...by, '-in', csr, '-out', files.certFile, ...span])
  return pairOf(files)
}

function caConfig(folder: string, name: string, names: string): string {
  return [
    '[ca]',
    'default_ca = own',
    '[own]',
    `database = ${join(folder, `${name}.index`)}`,
    `new_certs_dir = ${folder}`,
    'rand_serial = yes',
    'default_md = sha256',
    'policy = any',
    'x509_extensions = leaf',
    '[any]',
    'commonName = supplied',
    '[leaf]',
    'basicConstraints = critical,CA:FALSE',
    `subjectAltName = ${names}`,
  ].join('\n')
}

function newKey(files: Pick<Pair, 'keyFile'>): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.keyFile]
}

function filesOf(folder: string, name: string): Pick<Pair, 'certFile' | 'keyFile'> {
  return { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) }
}

function pairOf(files: Pick<Pair, 'certFile' | 'keyFile'>): Pair {
  return { ...files, cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') }
}

function openssl(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${error?.message ?? stderr}`)
}

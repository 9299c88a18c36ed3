import type { Lease } from 'portcullis'
import { type Credential, leasedPool } from 'portcullis/pg'

/** Asks one query and ends nothing: the process must end by itself when idle connections time out. */
const [port, username, password] = process.argv.slice(2)
const lease = {
  generation: 1,
  current: () => ({ data: { username, password } }),
  onRotate: () => () => {},
  on() {},
}
const pool = leasedPool(lease as unknown as Lease<Credential>, {
  ...{ host: '127.0.0.1', port: Number(port), database: 'postgres', connectionTimeoutMillis: 60_000 },
  idleTimeoutMillis: 100,
})
const { rows } = await pool.query('SELECT current_user AS name')
console.log(rows[0].name)

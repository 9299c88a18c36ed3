import { SpoolStore } from '../../../lib/system/spool/store.ts'

/** A process that has a spool open, with one line, until it is killed. */
const [, , folder = ''] = process.argv
const store = await SpoolStore.open(folder, { maxBytes: 1_000_000, segmentBytes: 1_000, sync: false })
await store.append(['{"sequence":1}'])
process.send?.('open')
setInterval(() => store.bytes, 60_000)

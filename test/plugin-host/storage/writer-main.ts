import { openSync, writeSync } from 'node:fs'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import { rootKeyFile } from '../../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage } from '../../../lib/plugin-host/storage/storage.ts'
import { changesOf, ROUND, writers } from './load.ts'

// Writes as fast as it can until it is killed, and notes each write that was acknowledged; a pipe could be full.
const [folder = '', keyFile = '', notes = '', round = ''] = process.argv.slice(2)
const rootKey = rootKeyFile(keyFile, { create: true })
const storage = await createStorage({ driver: lmdb(folder), rootKey, rotateAfterWrites: 1000 })
const file = openSync(notes, 'w')
process.stdout.write('begins\n')

await Promise.all(
  writers().map(async (writer) => {
    for (let sequence = Number(round) * ROUND; ; sequence++) {
      await storage.write(changesOf(writer, sequence))
      writeSync(file, `${writer} ${sequence}\n`)
    }
  }),
)

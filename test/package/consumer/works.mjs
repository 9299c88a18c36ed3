import { createServer } from 'node:http'
import { callback, createGateway, token } from 'portcullis'

const server = createServer((_, response) => response.end('{"data":{"color":"green"}}')).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))
const lines = []
const gateway = await createGateway({
  server: { address: `http://127.0.0.1:${server.address().port}`, proxy: false },
  auth: token({ token: 'hvs.consumer' }),
  dangerouslyAllowEverything: true,
  audit: { devices: [callback('lines', (entry) => void lines.push(entry))] },
})
const answer = await gateway.read('secret/theme')
await gateway.close()
server.close()
console.log(JSON.stringify({ data: answer.data, source: answer.source, entries: lines.length }))

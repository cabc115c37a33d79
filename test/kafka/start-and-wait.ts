// Starts a broker, tells where it is, and waits to be killed; with `kill` it kills the broker and ends by itself.
import { KafkaServer } from '../servers/kafka-server.ts'

const server = await KafkaServer.start()
console.log(JSON.stringify({ pid: server.pid, dir: server.dir }))
if (process.argv[2] === 'kill') await server.kill()
else setInterval(() => {}, 60_000)

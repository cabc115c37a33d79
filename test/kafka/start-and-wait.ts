// Starts a broker, tells where it is, and waits to be killed.
import { KafkaServer } from '../servers/kafka-server.ts'

const { pid, dir, brokers } = await KafkaServer.start()
console.log(JSON.stringify({ pid, dir, brokers }))
setInterval(() => {}, 60_000)

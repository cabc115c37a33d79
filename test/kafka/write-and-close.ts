// Writes to a topic, closes the sink, once more while it tries to reach a broker that is not there, and has nothing more to do.
import { string } from 'millrace'
import { kafkaSink } from 'millrace/kafka'
import { SinkAttempt } from '../connectors/kafka/sink-attempt.ts'

const [brokers, topic, guarantee] = process.argv.slice(2) as [string, string, 'at-least-once']
const options = { topic, value: string(), guarantee }
const attempt = await SinkAttempt.start(kafkaSink({ ...options, brokers }))
attempt.write(0, 'a')
await attempt.checkpoint()
await attempt.close()

const trying = SinkAttempt.start(
  kafkaSink({ ...options, brokers: '127.0.0.1:9', retryTimeout: '1s' }),
)
await trying.catch(() => {})
console.log('closed')
const begin = performance.now()
process.on('exit', () => {
  if (performance.now() - begin > 3_000) process.exitCode = 1
})

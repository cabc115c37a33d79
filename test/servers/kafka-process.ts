import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GuardedProcess } from './guarded-process.ts'
import { isKafkaReady } from './kafka-ready.ts'

const log4j = fileURLToPath(new URL('./kafka/log4j2.properties', import.meta.url))

/** When a broker that does not come up is given up. */
const READY_TIMEOUT_MS = 60_000
const POLL_MS = 20

/** Starts a broker whose settings are in `dir/server.properties`; does not wait until it is ready. */
export function launchBroker(
  dir: string,
  classPath: string,
  javaOptions: readonly string[],
  folder?: string,
): Promise<GuardedProcess> {
  const settings = join(dir, 'server.properties')
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...javaOptions]
  const logging = `-Dlog4j2.configurationFile=file:${log4j}`
  const args = [...options, logging, '-cp', classPath, 'kafka.Kafka', settings]
  return GuardedProcess.start('java', args, {
    log: join(dir, 'broker.log'),
    folder,
  })
}

/** Waits until the broker answers. Rejects with the end of its log when it ends before, and when it takes more than a minute. */
export async function untilReady(broker: GuardedProcess, port: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (!(await isKafkaReady('127.0.0.1', port))) {
    if (broker.exitCode !== undefined) {
      throw new Error(`Kafka ended with code ${broker.exitCode}:\n${broker.endOfLog()}`)
    }
    if (performance.now() > deadline) {
      await broker.kill('SIGKILL')
      throw new Error(`Kafka was not ready after ${READY_TIMEOUT_MS} ms:\n${broker.endOfLog()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

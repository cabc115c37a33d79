import type { TestProject } from 'vitest/node'
import { KafkaServer } from './kafka-server.ts'
import { missingForMaven } from './maven-jars.ts'

/** What the tests of a run have of Kafka. */
export interface ProvidedKafka {
  /** The broker that all files share; undefined when there is none. */
  readonly brokers: string | undefined
  /** Why brokers of their own and the Java client are not to be had; undefined when they are. */
  readonly missing: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    kafka: ProvidedKafka
  }
}

/** Starts the broker for a run of the project `kafka`, or takes `KAFKA_BROKERS`; says in one line what is skipped, and why. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = missingForMaven()
  const given = process.env.KAFKA_BROKERS
  if (missing !== undefined) {
    const skipped =
      given === undefined ? 'all tests with Kafka' : 'tests with brokers of their own or Java'
    const remedy = given === undefined ? ', or set KAFKA_BROKERS=host:port' : ''
    console.error(`kafka: ${skipped} are skipped: ${missing}${remedy}`)
  }
  const server =
    given === undefined && missing === undefined ? await KafkaServer.start() : undefined
  project.provide('kafka', { brokers: given ?? server?.brokers, missing })
  return async () => server?.stop()
}

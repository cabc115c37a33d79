/*
 * Gets what the servers of the tests start from, unless it is there.
 */
import { kafkaImage } from '../test/servers/kafka-image.ts'
import { missingForMaven } from '../test/servers/maven-jars.ts'
import { missingForMoto, motoHome } from '../test/servers/moto-server.ts'

async function fetchKafka(): Promise<void> {
  await kafkaImage(false)
  await kafkaImage(true)
}

await Promise.allSettled([
  missingForMaven() === undefined ? fetchKafka() : undefined,
  missingForMoto() === undefined ? motoHome() : undefined,
])

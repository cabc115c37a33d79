import type { TestProject } from 'vitest/node'
import { KinesisServer } from './kinesis-server.ts'
import { missingForMoto, MotoServer } from './moto-server.ts'

/** What the tests of a run have of AWS. */
export interface ProvidedAws {
  /** Where Kinesis is. */
  readonly kinesis: string
  /** Where S3, Firehose, Glue and Lambda are; undefined when there is no moto. */
  readonly moto: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    aws: ProvidedAws
  }
}

/** Starts the stand-ins for a run of the project `aws`; says in one line what is skipped, and why. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = missingForMoto()
  if (missing !== undefined)
    console.error(`aws: tests with S3 and Firehose are skipped: ${missing}`)
  const [kinesis, moto] = await Promise.all([
    KinesisServer.start(),
    missing === undefined ? MotoServer.start() : undefined,
  ])
  project.provide('aws', { kinesis: kinesis.endpoint, moto: moto?.endpoint })
  return async () => {
    await Promise.all([kinesis.stop(), moto?.stop()])
  }
}

import { createRequire } from 'node:module'
import type * as S3SinkModule from './s3-sink.ts'

/**
 * Loads `s3Sink` where it is needed first, at once: `fileSink` is loaded by every thread of every job, and hardly one of them writes into
 * S3 with it. An import that waits would not do, as a sink is made by a call that returns it.
 */
export function loadS3Sink(): typeof S3SinkModule.s3Sink {
  const here = import.meta.url
  const file = here.endsWith('.ts') ? './s3-sink.ts' : './s3-sink.js'
  return (createRequire(here)(file) as typeof S3SinkModule).s3Sink
}

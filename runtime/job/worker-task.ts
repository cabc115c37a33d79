import type { MessagePort } from 'node:worker_threads'
import type { DeploySettings } from '../messages.ts'

/** What the main thread hands to a worker thread for one slot: data and ports only. */
export interface WorkerTask {
  readonly settings: DeploySettings
  /** URL of the job module. */
  readonly jobUrl: string
  /** Parameters as parsed in the planning worker, secrets included. */
  readonly params: Readonly<Record<string, unknown>>
  readonly control: MessagePort
  readonly links: readonly (MessagePort | undefined)[]
  readonly heartbeat: SharedArrayBuffer
  /** Folder of the lineage's checkpoints, or its place in S3. */
  readonly checkpointDirectory: string
  /** Of the run, where that is in S3. */
  readonly epoch: number
  /** Whether that, or what the job goes on from, is in S3. */
  readonly usesS3: boolean
}

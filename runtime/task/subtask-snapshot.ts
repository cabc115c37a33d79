import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { OwnStates, SegmentReference } from '../checkpoint/manifest.ts'
import type { PendingCommit } from '../checkpoint/pending-commits.ts'
import { writeSnapshot } from '../checkpoint/segment-writer.ts'
import type { CheckpointBarrier } from '../element.ts'
import type { FailpointHook } from '../failpoint.ts'
import type { SnapshotPart } from '../messages.ts'
import type { KeyedStateBackend, StateSnapshot } from '../state/state-backend.ts'
import { encodeValue } from '../value-codec.ts'
import type { NodeRuntime } from './chain-node.ts'

export interface SnapshotOptions {
  readonly nodes: readonly NodeRuntime[]
  readonly backend: KeyedStateBackend | undefined
  readonly storage: CheckpointStorage
  readonly failpoint: FailpointHook
  /** Name of the segment file, unique within the checkpoint and its attempts. */
  readonly segmentName: string
  readonly barrier: CheckpointBarrier
  readonly isFinished: boolean
}

/** A snapshot under way: the cut is made, the rest follows between records and in the background. */
export interface RunningSnapshot {
  readonly checkpointId: number
  /**
   * Settles with the part to acknowledge. A rejection of `sinks` means lost output and ends the attempt; one of `part`
   * alone declines the checkpoint, whose changes then go into the next one (R24).
   */
  readonly part: Promise<SnapshotPart>
  readonly sinks: Promise<unknown>
}

/** The synchronous part at the barrier: cuts sinks, takes positions, watermarks and the set of changed entries. */
export function beginSubtaskSnapshot(options: SnapshotOptions): RunningSnapshot {
  const { nodes, barrier } = options
  const operatorState: Record<string, Uint8Array> = {}
  const watermarks: Record<string, number | null | 'max'> = {}
  const beforeFinal: Record<string, number | null> = {}
  const commits: Promise<{ uid: string; pending: readonly PendingCommit[] }>[] = []
  for (const node of nodes) {
    watermarks[node.name] = watermarkData(node.watermark)
    if (node.beforeFinal !== undefined) beforeFinal[node.name] = finiteData(node.beforeFinal)
    const state = nodeState(node, barrier.checkpointId)
    if (state !== undefined) operatorState[node.name] = encodeValue(state, node.name)
    if (node.body.kind === 'sink') {
      const sink = node.body.sink
      const uid = node.name
      const isLast = options.isFinished || barrier.kind === 'stop'
      const cut = sink.prepareCommit(barrier.checkpointId, barrier.baseId, isLast)
      commits.push(cut.then((pending) => ({ uid, pending })))
    }
  }
  const snapshot = options.backend?.beginSnapshot(barrier.checkpointId, barrier.baseId)
  const sinks = Promise.all(commits)
  options.failpoint('snapshot-cut')
  const part = finishPart(options, { operatorState, watermarks, beforeFinal, snapshot, sinks })
  return { checkpointId: barrier.checkpointId, part, sinks }
}

async function finishPart(
  options: SnapshotOptions,
  cut: {
    readonly operatorState: OwnStates
    readonly watermarks: SnapshotPart['watermarks']
    readonly beforeFinal: NonNullable<SnapshotPart['beforeFinal']>
    readonly snapshot: StateSnapshot | undefined
    readonly sinks: Promise<{ uid: string; pending: readonly PendingCommit[] }[]>
  },
): Promise<SnapshotPart> {
  let segment: SegmentReference | undefined
  const { snapshot } = cut
  if (snapshot !== undefined) {
    await new Promise<void>((resolve) => snapshot.onEncoded(resolve))
    options.failpoint('before-segment')
    segment = await writeSnapshot(
      options.storage,
      options.barrier.checkpointId,
      options.segmentName,
      snapshot.entries(),
    )
    options.failpoint('after-segment')
  }
  const operatorState: Record<string, Uint8Array> = { ...cut.operatorState }
  for (const { uid, pending } of await cut.sinks) {
    if (pending.length > 0) operatorState[uid] = encodeValue(pending, uid)
  }
  options.failpoint('after-pre-commit')
  const { watermarks, beforeFinal } = cut
  const { isFinished } = options
  return { segment, operatorState, watermarks, beforeFinal, isFinished, extraBytes: 0 }
}

function nodeState(node: NodeRuntime, checkpointId: number): unknown {
  if (node.body.kind === 'source') return node.body.source.snapshotState(checkpointId)
  if (node.body.kind === 'operator') return node.body.operator.snapshotState?.(checkpointId)
  return undefined
}

/** One that is not the final watermark. */
function finiteData(watermark: number): number | null {
  return watermark === -Infinity ? null : watermark
}

/** A watermark as it stands in a manifest: JSON has no infinities. */
export function watermarkData(watermark: number): number | null | 'max' {
  if (watermark === -Infinity) return null
  return watermark === Infinity ? 'max' : watermark
}

/** The reverse of `watermarkData`. */
export function watermarkOf(data: number | null | 'max' | undefined): number {
  if (data === undefined || data === null) return -Infinity
  return data === 'max' ? Infinity : data
}

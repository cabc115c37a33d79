import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../element.ts'
import type { HoldingInput, OperatorTime, WatermarkHold } from '../event-time.ts'
import type { NodeRuntime } from './chain-node.ts'
import type { InputGate } from './input-gate.ts'

/** A subtask, as far as its event time is concerned. */
export interface SubtaskTime {
  readonly nodes: readonly NodeRuntime[]
  /** Undefined for a source. */
  readonly gate: InputGate | undefined
  readonly isFinished: boolean
  /** Whether its source must not be read yet, since others are read first. */
  readonly isHeld: boolean
  /** Whether what is behind it takes more. */
  readonly outputsReady: boolean
}

/** Who speaks through an input of a subtask. */
export interface InputOrigin {
  readonly input: 1 | 2
  readonly operator: string
  readonly subtask: number
}

/**
 * The event time of one node of a subtask's chain, and what holds it back as far as the subtask itself can tell: itself, or
 * the lowest of its inputs. Costs O(1), and O(splits) for a source; nothing is kept for it per record.
 */
export function operatorTime(
  subtask: SubtaskTime,
  index: number,
  subtaskIndex: number,
  originOf: (input: number) => InputOrigin,
): OperatorTime {
  const node = subtask.nodes[index]!
  const { forwarded, status, timers } = node
  const body = node.body as NodeRuntime['body'] | undefined
  return {
    forwarded,
    status,
    hasTimers: timers !== undefined && timers.earliest('event') < Infinity,
    holdsBack: body?.kind === 'operator' && body.operator.holdsBack === true,
    hold: holdOf(subtask, node, subtaskIndex, originOf),
  }
}

function holdOf(
  subtask: SubtaskTime,
  node: NodeRuntime,
  subtaskIndex: number,
  originOf: (input: number) => InputOrigin,
): WatermarkHold {
  const { gate, outputsReady } = subtask
  if (subtask.isFinished) return { kind: 'ended' }
  if (node.pending !== MIN_TIMESTAMP) return firing(subtask, node.pending)
  if (node.watermark === MAX_TIMESTAMP) return { kind: 'ended' }
  if (node.body.kind === 'source') {
    return subtask.isHeld ? { kind: 'read-later' } : node.body.source.holdReason
  }
  if (node.body.kind === 'operator' && node.body.operator.onTick !== undefined) {
    // How long it has had no record is known to who counts them.
    return { kind: 'generator', silentMs: 0 }
  }
  const { parent } = node.node
  const parentNode = subtask.nodes[parent]
  if (parentNode !== undefined) {
    const { name } = parentNode
    const speaks = { operator: name, subtask: subtaskIndex, watermark: node.watermark }
    return { kind: 'input', input: 'chain', ...speaks, blockedBy: undefined }
  }
  const { valve, aligner } = gate!
  if (valve.watermark > node.watermark) return firing(subtask, valve.watermark)
  const { lowest } = valve
  if (lowest === undefined) return { kind: 'idle' }
  let blockedBy: HoldingInput['blockedBy']
  if (aligner.isBlocked(lowest.input)) blockedBy = 'barrier'
  else if (!outputsReady) blockedBy = 'back-pressure'
  return { kind: 'input', ...originOf(lowest.input), watermark: lowest.watermark, blockedBy }
}

/** A higher watermark is here, but has not been taken over. */
function firing({ outputsReady }: SubtaskTime, upTo: number): WatermarkHold {
  return outputsReady ? { kind: 'timers', upTo } : { kind: 'back-pressure' }
}

import { DirectChannel } from '../channel/direct-channel.ts'
import type { OutputChannel } from '../channel/output-channel.ts'
import { RemoteChannel } from '../channel/remote-channel.ts'
import { RemoteInput } from '../channel/remote-input.ts'
import { invariant } from '../errors.ts'
import type { ExecutionGraph } from '../graph/execution-graph.ts'
import type { JobEdge, JobGraph } from '../graph/job-graph-types.ts'
import type { Subtask } from './subtask.ts'
import { type EdgeOutput, HashOutput, RebalanceOutput, SingleOutput } from './edge-output.ts'
import type { SlotEnvironment } from './slot-environment.ts'
import type { SlotRoom } from './slot-room.ts'
import { BroadcastOutput, CustomOutput, GlobalOutput, ShuffleOutput } from './spread-outputs.ts'

/** The channels of one slot to and from other threads, by channel id. */
export interface SlotChannels {
  readonly remoteOutputs: Map<number, RemoteChannel>
  readonly remoteInputs: Map<number, RemoteInput>
}

/** Makes the output of one edge for the subtask of this slot: direct where the target lives here, else by batches. */
export function wireEdge(options: {
  readonly edge: JobEdge
  readonly graph: JobGraph
  readonly execution: ExecutionGraph
  readonly environment: SlotEnvironment
  readonly channels: SlotChannels
  /** Looked up when the first record flows, not when the channel is made. */
  readonly subtaskOf: (vertex: number) => Subtask
  readonly wake: () => void
  /** Told when a channel to another slot has no credit left. */
  readonly room: SlotRoom
}): EdgeOutput {
  const { edge, graph, execution, environment } = options
  const { slot, strict, channelBytes } = environment.settings
  const outputs: OutputChannel[] = []
  for (const placement of execution.channels) {
    if (placement.edgeId !== edge.id || placement.fromSubtask !== slot) continue
    if (placement.toSlot === slot) {
      outputs.push(
        new DirectChannel(options.subtaskOf(edge.toVertex), placement.inputIndex, strict),
      )
      continue
    }
    const port = environment.links[placement.toSlot]
    invariant(port !== undefined, `slot ${slot} has no link to slot ${placement.toSlot}`)
    const channel = new RemoteChannel({
      id: placement.id,
      port,
      clock: environment.clock,
      creditBytes: channelBytes,
      wake: options.wake,
      filled: () => options.room.used(),
    })
    options.channels.remoteOutputs.set(placement.id, channel)
    outputs.push(channel)
  }
  return spread(edge, outputs, graph.vertices[edge.toVertex]!.name, environment)
}

/** The output of an edge over its channels from this subtask; `consumer` is the operator behind it, for messages. */
function spread(
  edge: JobEdge,
  channels: readonly OutputChannel[],
  consumer: string,
  { settings, random }: SlotEnvironment,
): EdgeOutput {
  // A function of the user is called with one partition too: what it does wrong should show at parallelism 1.
  if (edge.custom !== undefined) return new CustomOutput(channels, edge.custom.partition, consumer)
  if (channels.length === 1) return new SingleOutput(channels[0]!)
  if (edge.exchange !== undefined) {
    const { selector } = edge.exchange
    const { maxParallelism } = settings
    return new HashOutput({ channels, selector, consumer, maxParallelism })
  }
  switch (edge.partitioner) {
    case 'broadcast':
      return new BroadcastOutput(channels)
    case 'global':
      return new GlobalOutput(channels)
    case 'shuffle':
      return new ShuffleOutput(channels, random)
    default:
      return new RebalanceOutput(channels, settings.slot)
  }
}

/** Makes the receiving ends of the remote channels of one subtask. */
export function wireInputs(options: {
  readonly vertex: number
  readonly execution: ExecutionGraph
  readonly environment: SlotEnvironment
  readonly channels: SlotChannels
}): RemoteInput[] {
  const { slot } = options.environment.settings
  const inputs: RemoteInput[] = []
  for (const placement of options.execution.inputs[options.vertex]![slot]!) {
    if (placement.fromSlot === slot) continue
    const port = options.environment.links[placement.fromSlot]
    invariant(port !== undefined, `slot ${slot} has no link to slot ${placement.fromSlot}`)
    const input = new RemoteInput(placement.inputIndex, placement.id, port)
    inputs.push(input)
    options.channels.remoteInputs.set(placement.id, input)
  }
  return inputs
}

import type { SnapshotFiles } from '../checkpoint/checkpoint-storage.ts'
import type { PendingCommit } from '../checkpoint/pending-commits.ts'
import type { SourceState } from '../checkpoint/source-state.ts'
import { deepFreeze } from '../deep-freeze.ts'
import { MIN_TIMESTAMP } from '../element.ts'
import { invariant } from '../errors.ts'
import type { ExecutionGraph } from '../graph/execution-graph.ts'
import type { JobGraph, Vertex } from '../graph/job-graph-types.ts'
import type { OperatorNode, SinkNode, SourceNode } from '../graph/stream-graph.ts'
import { keyGroupRange } from '../key-group.ts'
import type { RestoredSubtask } from '../messages.ts'
import { checkOutputTag, type Operator, type OperatorContext } from '../operator.ts'
import type { ReaderContext, SourceReader } from '../source.ts'
import type { SinkContext } from '../sink.ts'
import type { KeyedStateBackend } from '../state/state-backend.ts'
import { resolveTtl } from '../state/state-ttl.ts'
import type { StateDescriptor } from '../state/state.ts'
import { EVENT_TIMERS, PROCESSING_TIMERS } from '../state/timer-names.ts'
import { EventTtlTime } from '../state/ttl-time.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import { NodeOutput, NodeRuntime } from './chain-node.ts'
import { describeFailure, extendFailure } from './failure-context.ts'
import { InputGate } from './input-gate.ts'
import { BackendKeyedContext } from './keyed-context.ts'
import type { RecordOrigin } from './record-origin.ts'
import { restoreState } from './restore-state.ts'
import { SinkDriver } from './sink-driver.ts'
import type { SlotEnvironment } from './slot-environment.ts'
import type { SlotRoom } from './slot-room.ts'
import { type SlotChannels, wireEdge, wireInputs } from './slot-wiring.ts'
import { SourceDriver } from './source-driver.ts'
import { MAX_WORK_PER_LOOK, Subtask, type SubtaskListener } from './subtask.ts'
import { watermarkOf } from './subtask-snapshot.ts'

/** What a slot offers to the subtasks it builds. */
export interface BuilderHost {
  readonly environment: SlotEnvironment
  readonly graph: JobGraph
  readonly execution: ExecutionGraph
  readonly channels: SlotChannels
  readonly restored: RestoredSubtask | undefined
  readonly restoreStorage: SnapshotFiles
  /** A number for each node of the slot, for the running cell. */
  readonly nodeNumber: (name: string) => number
  readonly subtaskOf: (vertex: number) => Subtask
  readonly room: SlotRoom
  readonly origin: RecordOrigin
  /** Vertices that read from sources that are not read yet. */
  readonly heldVertices: ReadonlySet<number>
  readonly deadline: () => number
  readonly wake: () => void
  readonly listener: SubtaskListener
  /** A reader has something for its enumerator: value codec. */
  readonly tellEnumerator: (event: Uint8Array) => void
  readonly log: (uid: string, subtask: number, values: readonly unknown[]) => void
  readonly print: (uid: string, lines: string) => void
  readonly printBacklog: (uid: string) => number
  readonly deliver: (uid: string, deliveryId: string, values: readonly unknown[]) => void
}

/** A subtask that is wired, with what remains to be done before it runs. */
export interface BuiltSubtask {
  readonly subtask: Subtask
  /** Restores state, makes and opens the operators, last to first (semantics 2.6). */
  open(): Promise<void>
  /** Closes everything that was opened; collects failures instead of stopping at one. */
  close(): Promise<void>
}

/** Builds the subtask of a vertex in this slot: nodes, outputs, inputs, state. */
export function buildSubtask(vertex: Vertex, host: BuilderHost): BuiltSubtask {
  const { environment, restored } = host
  const { settings, clock } = environment
  const nodes = vertex.chain.map(
    (node) => new NodeRuntime(node, host.nodeNumber(node.node.name), environment.heartbeat),
  )
  for (const node of nodes) {
    node.restoreWatermark(watermarkOf(restored?.watermarks[node.name]))
  }
  connect(vertex, nodes, host)
  for (const node of nodes) for (const output of node.outputs.values()) output.seal()
  const isKeyed = vertex.exchange !== undefined
  const backend = isKeyed ? makeBackend(vertex, host) : undefined
  const keyed = new Map<NodeRuntime, BackendKeyedContext>()
  if (backend !== undefined) {
    for (const node of nodes) {
      if (node.node.parent !== -1 || node.node.node.type !== 'operator') continue
      keyed.set(node, registerKeyed(node, node.node.node, backend, host))
    }
  }
  const isSource = vertex.chain[0]!.node.type === 'source'
  const inputs = host.execution.inputs[vertex.index]![settings.slot]!
  const gate = isSource
    ? undefined
    : new InputGate(inputs.length, nodes[0]?.watermark ?? MIN_TIMESTAMP)
  gate?.remotes.push(...wireInputs({ ...host, vertex: vertex.index }))
  const subtask = new Subtask({
    vertex,
    subtaskIndex: settings.slot,
    attempt: settings.attempt,
    clock,
    storage: environment.storage,
    failpoint: environment.failpoint,
    nodes,
    gate,
    backend,
    deadline: host.deadline,
    workPerLook: Math.min(MAX_WORK_PER_LOOK, environment.quantum),
    listener: host.listener,
    room: host.room,
    origin: host.origin,
    wasFinished: restored?.isFinished ?? false,
    isSecondInput: inputs.map(({ edgeId }) => host.graph.edges[edgeId]!.toInput === 2),
    isHeld: host.heldVertices.has(vertex.index),
  })
  const readers: SourceReader<unknown, unknown>[] = []
  return {
    subtask,
    async open() {
      if (backend !== undefined) await restoreBackend(vertex, backend, host)
      for (const node of nodes) makeBody(node, { subtask, host, keyed: keyed.get(node), readers })
      for (const node of [...nodes].reverse()) await openNode(node, readers)
    },
    close: () => closeAll(nodes, backend),
  }
}

async function openNode(
  node: NodeRuntime,
  readers: readonly SourceReader<unknown, unknown>[],
): Promise<void> {
  try {
    if (node.body.kind === 'operator') await node.body.operator.open?.()
    else if (node.body.kind === 'sink') await node.body.sink.open()
    else await node.body.source.open(readers[0]!)
  } catch (error) {
    throw describeFailure(error, node, { what: 'open()', timestamp: MIN_TIMESTAMP })
  }
}

function connect(vertex: Vertex, nodes: readonly NodeRuntime[], host: BuilderHost): void {
  const freeze = host.environment.settings.strict ? deepFreeze : undefined
  const outputOf = (node: NodeRuntime, tag: string | undefined): NodeOutput => {
    let output = node.outputs.get(tag)
    if (output === undefined) {
      output = new NodeOutput(freeze)
      node.outputs.set(tag, output)
    }
    return output
  }
  for (const [index, node] of nodes.entries()) {
    outputOf(node, undefined)
    if (node.node.parent === -1) continue
    const parent = nodes[node.node.parent]!
    parent.children.push(index)
    outputOf(parent, node.node.parentTag).attach(node)
  }
  for (const edgeId of vertex.outputEdges) {
    const edge = host.graph.edges[edgeId]!
    const output = wireEdge({ ...host, edge })
    const node = nodes[edge.fromChainNode]!
    node.edges.push(output)
    outputOf(node, edge.fromTag).attach(output)
  }
}

function makeBackend(vertex: Vertex, host: BuilderHost): KeyedStateBackend {
  const { settings, clock, createBackend } = host.environment
  const keyedVertices = host.graph.vertices.filter((other) => other.exchange !== undefined).length
  return createBackend({
    range: keyGroupRange(settings.slot, vertex.parallelism, settings.maxParallelism),
    maxParallelism: settings.maxParallelism,
    clock,
    cacheBytes: Math.floor(settings.cacheBytesPerSlot / keyedVertices),
    directory: `${settings.workDirectory}/${settings.slot}/${vertex.index}`,
    strict: settings.strict,
    wake: host.wake,
    fail: (error) => host.listener.failed(error),
  })
}

function registerKeyed(
  node: NodeRuntime,
  graphNode: OperatorNode,
  backend: KeyedStateBackend,
  host: BuilderHost,
): BackendKeyedContext {
  const idOf = (name: string): number => {
    const state = host.environment.settings.states.find(
      ({ uid, name: other, isDropped }) => uid === node.name && other === name && !isDropped,
    )
    invariant(state !== undefined, `state "${name}" of "${node.name}" has no id`)
    return state.stateId
  }
  if (graphNode.states.some(expiresByEventTime)) node.eventTime = new EventTtlTime(node.watermark)
  const handles = new Map<string, unknown>()
  for (const descriptor of graphNode.states) {
    const id = idOf(descriptor.name)
    const handle = backend.register(id, node.name, descriptor, node.eventTime)
    handles.set(descriptor.name, handle)
  }
  const queue = backend.timers(node.name, idOf(EVENT_TIMERS), idOf(PROCESSING_TIMERS))
  node.timers = queue
  return new BackendKeyedContext({
    backend,
    node,
    queue,
    handles,
    clock: host.environment.clock,
  })
}

function expiresByEventTime({ name, ttl }: StateDescriptor): boolean {
  return ttl !== undefined && resolveTtl(ttl, name).timeDomain === 'event'
}

async function restoreBackend(
  vertex: Vertex,
  backend: KeyedStateBackend,
  host: BuilderHost,
): Promise<void> {
  const { settings } = host.environment
  const names = new Set(vertex.chain.map((node) => node.node.name))
  const own = settings.states.filter((state) => names.has(state.uid) && state.isDropped !== true)
  if (host.restored === undefined) {
    await backend.restore([])
    return
  }
  await restoreState({
    backend,
    restored: host.restored,
    storage: host.restoreStorage,
    range: keyGroupRange(settings.slot, vertex.parallelism, settings.maxParallelism),
    stateIds: new Set(own.map((state) => state.stateId)),
    timerIds: new Set(own.flatMap(({ kind, stateId }) => (kind === 'timers' ? [stateId] : []))),
    eagerBytes: host.environment.eagerRestoreBytes,
  })
}

interface BodyParts {
  readonly subtask: Subtask
  readonly host: BuilderHost
  readonly keyed: BackendKeyedContext | undefined
  readonly readers: SourceReader<unknown, unknown>[]
}

function makeBody(node: NodeRuntime, parts: BodyParts): void {
  const graphNode = node.node.node
  const { host } = parts
  const data = host.restored?.operatorState[node.name]
  const restored = data === undefined ? undefined : decodeValue(data)
  if (graphNode.type === 'source') makeSource(node, graphNode, restored, parts)
  else if (graphNode.type === 'sink') makeSink(node, graphNode, restored, parts)
  else node.body = { kind: 'operator', operator: makeOperator(node, graphNode, restored, parts) }
}

function makeOperator(
  node: NodeRuntime,
  graphNode: OperatorNode,
  restoredState: unknown,
  parts: BodyParts,
): Operator {
  const { host } = parts
  const { settings, clock } = host.environment
  const { vertex, backend } = parts.subtask.options
  const noOutput = new NodeOutput(undefined)
  const index = parts.subtask.nodes.indexOf(node)
  const context: OperatorContext = {
    uid: node.name,
    name: node.name,
    subtaskIndex: settings.slot,
    parallelism: vertex.parallelism,
    maxParallelism: settings.maxParallelism,
    attempt: settings.attempt,
    clock,
    random: host.environment.random,
    output: node.outputs.get(undefined)!,
    watermarks: parts.subtask.chain.time.watermarkOutput(node),
    strict: settings.strict,
    keyed: parts.keyed,
    restoredState,
    currentWatermark: () => node.watermark,
    recordPosition: () => host.origin.position,
    sideOutput: (tag) => {
      checkOutputTag(tag, 'output() of a side output')
      return node.outputs.get(tag.name) ?? noOutput
    },
    count: (counter, by) => node.count(counter, by),
    log: (...values) => host.log(node.name, settings.slot, values),
    wake: () => parts.subtask.wakeOperator(),
    forwardWatermark: (timestamp) => parts.subtask.chain.time.forward(index, timestamp),
    currentKeyGroup: () => backend?.currentKeyGroup,
    beginHeld: (keyGroup) => backend?.beginHeld(keyGroup),
  }
  return graphNode.factory(context)
}

function makeSource(
  node: NodeRuntime,
  graphNode: SourceNode,
  restored: unknown,
  parts: BodyParts,
): void {
  const { host, subtask } = parts
  const { settings, clock } = host.environment
  const source = new SourceDriver({
    strategy: graphNode.watermarks,
    clock,
    output: node.outputs.get(undefined)!,
    mayEmit: () => subtask.mayTakeInput(),
    restored: restored as SourceState | undefined,
    restoredWatermark: node.watermark,
    isBounded: graphNode.source.boundedness === 'bounded',
    onActive: () => subtask.chain.time.sourceIsActive(),
    onWatermark: (watermark) => subtask.chain.time.sourceWatermark(watermark),
    warn: (message) => host.log(node.name, settings.slot, [message]),
    describe: (error, value, timestamp) => describeFailure(error, node, { value, timestamp }),
  })
  const context: ReaderContext = {
    uid: node.name,
    subtaskIndex: settings.slot,
    parallelism: subtask.options.vertex.parallelism,
    attempt: settings.attempt,
    clock,
    allow: new Set(settings.allow),
    wake: () => subtask.resume(),
    tellEnumerator: (event) => host.tellEnumerator(encodeValue(event, `an event of ${node.name}`)),
    fail: (error) => host.listener.failed(nameOperator(error, node)),
    count: (counter, by) => node.count(counter, by),
    log: (message) => host.log(node.name, settings.slot, [message]),
    emitSide: (tag, value, timestamp) => node.outputs.get(tag)?.emit(value, timestamp),
  }
  parts.readers.push(graphNode.source.createReader(context))
  node.body = { kind: 'source', source }
}

function makeSink(
  node: NodeRuntime,
  graphNode: SinkNode,
  restored: unknown,
  parts: BodyParts,
): void {
  const { host } = parts
  const { settings, clock } = host.environment
  const { vertex } = parts.subtask.options
  const context: SinkContext = {
    uid: node.name,
    subtaskIndex: settings.slot,
    parallelism: vertex.parallelism,
    attempt: settings.attempt,
    lineage: settings.lineage,
    restoredCheckpointId: settings.restoredCheckpointId,
    clock,
    wake: host.wake,
    fail: (error) => host.listener.failed(nameOperator(error, node)),
    count: (counter, by) => node.count(counter, by),
    log: (message) => host.log(node.name, settings.slot, [message]),
    print: (lines) => host.print(node.name, lines),
    get printBacklog() {
      return host.printBacklog(node.name)
    },
    deliver: (deliveryId, values) => host.deliver(node.name, deliveryId, values),
  }
  const { failpoint } = host.environment
  const pending = (restored as readonly PendingCommit[] | undefined) ?? []
  node.body = {
    kind: 'sink',
    sink: new SinkDriver(graphNode.sink, context, pending, failpoint, host.room),
  }
}

async function closeAll(
  nodes: readonly NodeRuntime[],
  backend: KeyedStateBackend | undefined,
): Promise<void> {
  const failures: unknown[] = []
  const attempt = async (close: () => void | Promise<void> | undefined): Promise<void> => {
    try {
      await close()
    } catch (error) {
      failures.push(error)
    }
  }
  for (const node of nodes) {
    const body = node.body as NodeRuntime['body'] | undefined
    if (body === undefined) continue
    if (body.kind === 'operator') await attempt(() => body.operator.close?.())
    else if (body.kind === 'sink') await attempt(() => body.sink.close())
    else
      await attempt(() => (body.source.reader as typeof body.source.reader | undefined)?.close?.())
  }
  if (backend !== undefined) await attempt(() => backend.close())
  if (failures.length > 0) throw failures[0]
}

/** A failure in the background, outside any call: what is running by then says nothing (R38). */
function nameOperator(error: unknown, node: NodeRuntime): Error {
  return extendFailure(error, '', { operator: node.name })
}

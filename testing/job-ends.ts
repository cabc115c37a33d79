import { collectionSink } from '../connectors/collection-sink.ts'
import { collectionSource } from '../connectors/collection-source.ts'
import { buildJobGraph } from '../runtime/graph/job-graph.ts'
import { buildPlan } from '../runtime/graph/build-plan.ts'
import type { SinkNode, StreamGraph, StreamNode } from '../runtime/graph/stream-graph.ts'
import type { BuiltJob, JobShape } from '../runtime/job/job-module.ts'
import { quotedNames } from '../runtime/names.ts'
import type { OutputTag } from '../runtime/operator.ts'
import { misuse } from './misuse.ts'

/** Where a test takes the place of what lies around a job. */
export interface JobEnds {
  /** What sources read, by their uid; undefined leaves all ends of the job as they are. */
  readonly inputs: Readonly<Record<string, readonly unknown[]>> | undefined
  /** Side outputs that are collected, whether or not the job reads them. */
  readonly sideOutputs: readonly OutputTag<unknown>[]
}

/** Sinks of side outputs are called so, with the index of the tag behind; no uid of a user can hold "#". */
const SIDE_OUTPUT = 'side-output#'

/** The name of the sink that collects a side output. */
export function sideOutputName(index: number): string {
  return `${SIDE_OUTPUT}${index + 1}`
}

/** Whether a sink was added for a side output. */
export function isSideOutputName(name: string): boolean {
  return name.startsWith(SIDE_OUTPUT)
}

/** The job with other ends; fails with `MR_TEST_INVALID` where a source is not there. */
export function withEnds(built: BuiltJob, shape: JobShape, ends: JobEnds): BuiltJob {
  const { inputs, sideOutputs } = ends
  if (inputs === undefined && sideOutputs.length === 0) return built
  const nodes = inputs === undefined ? [...built.graph.nodes] : replaced(built.graph, inputs)
  for (const [index, tag] of sideOutputs.entries()) nodes.push(sideSink(nodes, index, tag))
  const graph = { ...built.graph, nodes }
  return { graph, plan: buildPlan(buildJobGraph(graph, shape), built.plan) }
}

/** Sources read what they are given, and every sink collects. */
function replaced(
  { nodes }: StreamGraph,
  inputs: Readonly<Record<string, readonly unknown[]>>,
): StreamNode[] {
  const sources = nodes.filter(({ type }) => type === 'source').map(({ name }) => name)
  for (const [uid, values] of Object.entries(inputs)) {
    if (!sources.includes(uid)) {
      throw misuse(
        'testJob',
        `inputs has values for "${uid}", and the job has no such source; nothing would read them; name one of its sources: ${quotedNames(sources)}.`,
      )
    }
    const given: unknown = values
    if (Array.isArray(given)) continue
    throw misuse(
      'testJob',
      `inputs has something of type ${typeof given} for source "${uid}"; there are no records in it; give an array of them.`,
    )
  }
  return nodes.map((node): StreamNode => {
    if (node.type === 'sink') {
      return { ...node, operatorKind: 'collection', sink: collectionSink() }
    }
    if (node.type !== 'source' || !Object.hasOwn(inputs, node.name)) return node
    const source = collectionSource<unknown>(inputs[node.name]!)
    return { ...node, operatorKind: 'collection', source }
  })
}

/** A sink that reads this side output of all that could have it. */
function sideSink(nodes: readonly StreamNode[], index: number, tag: OutputTag<unknown>): SinkNode {
  const emitters = nodes.filter(({ type }) => type !== 'sink')
  const name = sideOutputName(index)
  return {
    type: 'sink',
    id: nodes.length,
    operatorKind: 'collection',
    uid: name,
    name,
    parallelism: 1,
    sink: collectionSink(),
    inputs: emitters.map(({ id }) => ({ nodeId: id, tag: tag.name })),
    exchange: undefined,
  }
}

import type { OperatorStateDescriptor } from '../state/operator-state.ts'
import { resolveTtl } from '../state/state-ttl.ts'
import type { StateDescriptor } from '../state/state.ts'
import { lowestReadable } from '../state/upcasts.ts'
import type { ChainNode, JobGraph } from './job-graph-types.ts'
import type { JobPlan, PlanEdge, PlanOperator, PlanVertex } from './job-plan.ts'
import type { OperatorNode } from './stream-graph.ts'
import { structuralHash, type UnhashedPlan } from './structural-hash.ts'

/** What a plan tells beyond the graph. */
export type PlanFacts = Pick<
  JobPlan,
  'job' | 'parallelism' | 'maxParallelism' | 'parameters' | 'params' | 'restart' | 'renamedUids'
>

/** A job as data: what the graph holds but for functions, sources and sinks themselves (N8). Pure. */
export function buildPlan(graph: JobGraph, facts: PlanFacts): JobPlan {
  const plan: UnhashedPlan = {
    job: facts.job,
    parallelism: facts.parallelism,
    maxParallelism: facts.maxParallelism,
    vertices: graph.vertices.map((vertex): PlanVertex => ({
      index: vertex.index,
      name: vertex.name,
      parallelism: vertex.parallelism,
      chain: vertex.chain.map((chained) => ({
        ...planOperator(chained, vertex.parallelism),
        parent: chained.parent,
        parentTag: chained.parentTag,
      })),
    })),
    edges: graph.edges.map((edge): PlanEdge => ({
      id: edge.id,
      fromVertex: edge.fromVertex,
      fromOperator: graph.vertices[edge.fromVertex]!.chain[edge.fromChainNode]!.node.name,
      fromTag: edge.fromTag,
      toVertex: edge.toVertex,
      toInput: edge.toInput,
      partitioner: edge.partitioner,
    })),
    parameters: facts.parameters,
    params: facts.params,
    restart: facts.restart,
    ...(facts.renamedUids === undefined ? {} : { renamedUids: facts.renamedUids }),
  }
  return { ...plan, structuralHash: structuralHash(plan) }
}

function planStates(node: OperatorNode): PlanOperator['states'] {
  const { states, broadcastStates = [], operatorStates = [] } = node
  return [
    ...states.map(planState),
    ...broadcastStates.map((state) => ({ ...versioned(state), kind: 'broadcast' as const })),
    ...operatorStates.map((state) => ({ ...versioned(state), kind: state.kind })),
  ]
}

function planOperator({ node }: ChainNode, parallelism: number): PlanOperator {
  const { name, uid, operatorKind } = node
  const common = { name, uid, operatorKind, parallelism, states: [], hasTimers: false }
  if (node.type === 'source') {
    const { identity, boundedness } = node.source
    const alignment = node.watermarks?.alignment
    return {
      ...common,
      type: 'source',
      boundedness,
      ...(node.readFirst === true ? { readFirst: true } : {}),
      ...(identity === undefined ? {} : { identity }),
      ...(alignment === undefined ? {} : { alignment }),
    }
  }
  if (node.type === 'operator') {
    return {
      ...common,
      type: 'operator',
      states: planStates(node),
      hasTimers: node.hasTimers,
      ...(node.stateSpread === undefined ? {} : { stateSpread: node.stateSpread }),
    }
  }
  const { identity, guarantee, canTakeBack = false } = node.sink
  return {
    ...common,
    type: 'sink',
    guarantee,
    canTakeBack,
    ...(identity === undefined ? {} : { identity }),
  }
}

function planState(state: StateDescriptor): PlanOperator['states'][number] {
  const { name, kind, ttl } = state
  const plain = { ...versioned(state), kind }
  return ttl === undefined ? plain : { ...plain, ttl: resolveTtl(ttl, `the ttl of state ${name}`) }
}

function versioned(state: StateDescriptor | OperatorStateDescriptor) {
  const { name, version } = state
  const upcastsFrom = lowestReadable(state)
  return upcastsFrom === version ? { name, version } : { name, version, upcastsFrom }
}

import {
  type CheckpointManifest,
  MANIFEST_VERSION,
  type ManifestSubtask,
} from '../../../runtime/checkpoint/manifest.ts'
import type { JobPlan, PlanOperator, PlanVertex } from '../../../runtime/graph/job-plan.ts'

/** An operator of a plan; whatever is not given is unremarkable. */
export function operatorOf(name: string, options: Partial<PlanOperator> = {}): PlanOperator {
  return {
    name,
    uid: name,
    type: 'operator',
    operatorKind: 'process',
    parallelism: 1,
    states: [],
    hasTimers: false,
    ...options,
  }
}

export const source: PlanOperator = operatorOf('source', {
  type: 'source',
  operatorKind: 'collection',
  identity: { path: 'in.csv' },
})
export const count: PlanOperator = operatorOf('count', {
  states: [{ name: 'sum', kind: 'value', version: 1 }],
})
export const sink: PlanOperator = operatorOf('sink', {
  type: 'sink',
  operatorKind: 'file',
  identity: { dir: 'out' },
  canTakeBack: true,
})

/** A plan of chained vertices with a shuffle between each two: by default source → count, sink. */
export function planOf(
  options: {
    readonly parallelism?: number
    readonly chains?: readonly (readonly PlanOperator[])[]
    readonly params?: JobPlan['params']
  } = {},
): JobPlan {
  const { parallelism = 1, chains = [[source], [count, sink]], params = {} } = options
  const vertices: PlanVertex[] = chains.map((chain, index) => ({
    index,
    name: chain[0]!.name,
    parallelism,
    chain: chain.map((one, place) => ({
      ...one,
      parallelism,
      parent: place - 1,
      parentTag: undefined,
    })),
  }))
  return {
    job: 'job',
    parallelism,
    maxParallelism: 128,
    vertices,
    edges: vertices.slice(1).map(({ index }) => ({
      id: index - 1,
      fromVertex: index - 1,
      fromOperator: chains[index - 1]!.at(-1)!.name,
      fromTag: undefined,
      toVertex: index,
      toInput: 1,
      partitioner: 'hash',
    })),
    parameters: [],
    params,
    restart: undefined,
    structuralHash: 'hash',
  }
}

/** A manifest as a run of that plan writes it. */
export function manifestOf(
  plan: JobPlan,
  checkpointId: number,
  changes: Partial<CheckpointManifest> = {},
): CheckpointManifest {
  const operators = plan.vertices.flatMap((vertex) => vertex.chain)
  return {
    version: MANIFEST_VERSION,
    millrace: '0.0.0',
    job: plan.job,
    lineage: 'lineage',
    checkpointId,
    kind: 'checkpoint',
    ancestry: [],
    createdAt: 1,
    params: plan.params,
    workingDirectory: '/work',
    sources: {},
    parallelism: plan.parallelism,
    maxParallelism: plan.maxParallelism,
    operators: operators.map((one) => ({
      uid: one.name,
      name: one.name,
      kind: one.operatorKind,
      parallelism: one.parallelism,
      ...(one.identity === undefined ? {} : { identity: one.identity }),
    })),
    states: operators.flatMap((one) =>
      one.states.map((state, index) => ({ stateId: index + 1, uid: one.name, ...state })),
    ),
    subtasks: plan.vertices.flatMap((vertex) =>
      Array.from({ length: vertex.parallelism }, (_, subtaskIndex): ManifestSubtask => ({
        vertex: vertex.name,
        subtaskIndex,
        segments: [],
        operatorState: {},
        watermarks: Object.fromEntries(vertex.chain.map((one) => [one.name, 5])),
        isFinished: false,
      })),
    ),
    enumerators: {},
    ...changes,
  }
}

import type { ManifestHeader } from '../checkpoint/checkpoint-coordinator.ts'
import { MANIFEST_VERSION, type ManifestState } from '../checkpoint/manifest.ts'
import type { JobPlan } from '../graph/job-plan.ts'
import type { LineagePoint } from '../sink.ts'
import { planOperators } from './restore-plan.ts'

/** What a manifest tells of the run, beside the plan. */
export interface ManifestFacts {
  readonly millrace: string
  readonly lineage: string
  readonly ancestry: readonly LineagePoint[]
  readonly workingDirectory: string
  readonly sources: Readonly<Record<string, string>>
}

/** The part of a manifest that is the same for every checkpoint of an attempt. */
export function buildManifestHeader(
  plan: JobPlan,
  facts: ManifestFacts,
  states: readonly ManifestState[],
): ManifestHeader {
  return {
    version: MANIFEST_VERSION,
    millrace: facts.millrace,
    job: plan.job,
    lineage: facts.lineage,
    ancestry: facts.ancestry,
    params: plan.params,
    workingDirectory: facts.workingDirectory,
    sources: facts.sources,
    parallelism: plan.parallelism,
    maxParallelism: plan.maxParallelism,
    operators: planOperators(plan).map((operator) => ({
      uid: operator.name,
      name: operator.name,
      kind: operator.operatorKind,
      parallelism: operator.parallelism,
      ...(operator.identity === undefined ? {} : { identity: operator.identity }),
    })),
    states,
  }
}

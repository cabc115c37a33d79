import { createHash } from 'node:crypto'
import type { JobPlan } from './job-plan.ts'

/** A plan before it has its hash. */
export type UnhashedPlan = Omit<JobPlan, 'structuralHash'>

/**
 * SHA-256 (hex) over all of a plan: uids, kinds, edges, partitioners, parallelism, states, identities and parameters.
 *
 * It only compares the threads of one run (R5): function sources are not part of it, nor are secrets, which a plan does
 * not hold. Equal plans have equal hashes whatever the order in which their fields were written.
 */
export function structuralHash(plan: UnhashedPlan): string {
  return createHash('sha256').update(canonicalText(plan)).digest('hex')
}

/** JSON with sorted fields; missing and undefined fields are the same, infinite numbers are kept apart from null. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_field, inner: unknown) => {
    if (typeof inner === 'number' && !Number.isFinite(inner)) return `number ${inner}`
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).filter(([, field]) => field !== undefined)
    return entries.sort(([a], [b]) => (a < b ? -1 : 1))
  })
}

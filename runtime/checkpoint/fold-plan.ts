import type { SegmentReference } from './manifest.ts'

/**
 * No chain that a manifest names is longer: folding and, where it lags behind, waiting with checkpoints see to it (R29). Only
 * after a change of parallelism one may be, until it has been folded.
 */
export const MAX_CHAIN = 15

/** From this length on a chain is looked at, from that one on something in it is folded in any case. */
const LONG = 8
const URGENT = 12
/** Most segments in one fold: each is read through 256 KiB of memory. */
const MAX_FOLDED = 8
/** Fewer segments of about the same size are not worth a fold. */
const MIN_FOLDED = 4
/** Chains below this size are left alone until they are long. */
const SMALL_BYTES = 1_024 * 1_024

/** Neighbours in a chain that should become one segment. */
export interface FoldPlan {
  readonly first: number
  readonly count: number
}

/**
 * Chooses what to fold in a chain, oldest segment first, of whose first `busy` segments some are being folded already; pure.
 * Undefined: nothing is worth it.
 *
 * The cost follows the changes, not the size of the state: the first segment, which holds most of it, is written again only
 * when the later ones have together become as large. So a chain takes at most about twice the bytes of its state, plus
 * what has been written since it was last looked at, and every byte is written again a few times.
 */
export function planFolding(
  chain: readonly SegmentReference[],
  busy: number,
): FoldPlan | undefined {
  const sizes = chain.map((segment) => segment.rangeBytes ?? segment.bytes)
  if (busy === 0 && hasOutgrownFirst(sizes)) {
    return { first: 0, count: Math.min(chain.length, MAX_FOLDED) }
  }
  if (chain.length < LONG) return undefined
  const lowest = Math.max(1, busy)
  const first = startOfTier(sizes, lowest)
  const count = chain.length - first
  if (count >= MIN_FOLDED) return { first, count }
  if (chain.length < URGENT) return undefined
  const most = Math.min(MAX_FOLDED, chain.length - lowest)
  return most < 2 ? undefined : { first: chain.length - most, count: most }
}

/** Whether the later segments are together as large as the first. */
function hasOutgrownFirst(sizes: readonly number[]): boolean {
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  if (sizes.length < (total < SMALL_BYTES ? LONG : MIN_FOLDED)) return false
  return total >= 2 * sizes[0]!
}

/** The newest segments of about the same size: each at most twice as large as all behind it together. */
function startOfTier(sizes: readonly number[], lowest: number): number {
  let start = sizes.length - 1
  let bytes = sizes[start]!
  while (start > lowest && sizes.length - start < MAX_FOLDED && sizes[start - 1]! <= 2 * bytes) {
    start--
    bytes += sizes[start]!
  }
  return start
}

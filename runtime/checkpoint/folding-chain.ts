import { type FoldPlan, planFolding } from './fold-plan.ts'
import type { SegmentReference } from './manifest.ts'

/** One fold of a chain, from its beginning until a manifest uses its outcome. */
export interface Fold {
  /** The segments that it replaces, neighbours in the chain. */
  readonly run: readonly SegmentReference[]
  readonly isBeginning: boolean
  /** The new file, which no manifest names yet. */
  readonly file: string
  /** Undefined while it runs; then the segments that take the place of `run`: one, or none. */
  outcome: readonly SegmentReference[] | undefined
}

/**
 * The chain of one subtask as the last manifest names it, with the folds that later ones will use; pure.
 *
 * ```
 *   manifest:  A  B  C  D  E  F          folds:  (A B C) → X, done    (E F) → running
 *   current:   X  D  E  F                what the next manifest would name
 * ```
 *
 * A fold counts as soon as it is done, and is forgotten when a manifest no longer has what it replaces.
 */
export class FoldingChain {
  #published: readonly SegmentReference[]
  #folds: Fold[] = []

  constructor(published: readonly SegmentReference[]) {
    this.#published = published
  }

  /** A manifest has been published that names this chain. */
  adopt(published: readonly SegmentReference[]): void {
    this.#published = published
    let chain = published
    this.#folds = this.#folds.filter((fold) => {
      if (indexOfRun(chain, fold.run) === -1) return false
      chain = applied(chain, fold)
      return true
    })
  }

  /** What the next manifest names, but for its own segment. */
  get current(): readonly SegmentReference[] {
    return this.#folds.reduce(applied, this.#published)
  }

  /** Files that no manifest names yet. */
  get files(): readonly string[] {
    return this.#folds.map((fold) => fold.file)
  }

  /** What should be folded next; only what lies behind the folds that are running. */
  plan(): FoldPlan | undefined {
    const chain = this.current
    const ends = this.#folds
      .filter((fold) => fold.outcome === undefined)
      .map((fold) => indexOfRun(chain, fold.run) + fold.run.length)
    return planFolding(chain, Math.max(0, ...ends))
  }

  /** A fold of that plan begins, into that file. */
  begin({ first, count }: FoldPlan, file: string): Fold {
    const run = this.current.slice(first, first + count)
    const fold: Fold = { run, isBeginning: first === 0, file, outcome: undefined }
    this.#folds.push(fold)
    return fold
  }

  /** A fold has ended: with a segment, with nothing left (undefined), or without success. */
  end(fold: Fold, outcome: SegmentReference | undefined | 'failed'): void {
    if (outcome === 'failed') this.#folds = this.#folds.filter((other) => other !== fold)
    else fold.outcome = outcome === undefined ? [] : [outcome]
  }
}

function applied(chain: readonly SegmentReference[], fold: Fold): readonly SegmentReference[] {
  const at = fold.outcome === undefined ? -1 : indexOfRun(chain, fold.run)
  return at === -1 ? chain : chain.toSpliced(at, fold.run.length, ...fold.outcome!)
}

function indexOfRun(chain: readonly SegmentReference[], run: readonly SegmentReference[]): number {
  const at = chain.findIndex((segment) => isSame(segment, run[0]!))
  return run.every((segment, i) => isSame(segment, chain[at + i])) ? at : -1
}

/** A file may be named twice, for other key groups, where the chains of several subtasks have become one. */
function isSame(a: SegmentReference, b: SegmentReference | undefined): boolean {
  return a.file === b?.file && a.range.first === b.range.first
}

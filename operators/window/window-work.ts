import type { FunctionLifecycle } from '../function.ts'
import type { Fold } from './fold.ts'
import type { FiringFunction } from './window-call.ts'

/** What becomes of the records of a window: folded into a result, or all kept; then its function. */
export interface WindowWork {
  readonly fold?: Fold
  readonly firing: FiringFunction
}

/** Opens and closes all functions of a window operator. */
export function lifecycleOf({ fold, firing }: WindowWork): FunctionLifecycle {
  const functions = [fold?.lifecycle, typeof firing === 'object' ? firing : undefined]
  return {
    async open(context) {
      for (const one of functions) await one?.open?.(context)
    },
    async close() {
      for (const one of functions) await one?.close?.()
    },
  }
}

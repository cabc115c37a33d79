import { countTrigger } from './count-trigger.ts'
import { countEvictor } from './evictor.ts'
import { globalWindows } from './global-windows.ts'
import { purgingTrigger } from './purging-trigger.ts'
import { positiveCount } from './window-options.ts'
import type { WindowSettings } from './window-spec.ts'

/**
 * Windows of so many records (semantics 2.1): all that is in the global window, dropped each time; or, with a slide, the last
 * `size` records every `slide` records.
 */
export function countWindowSettings(size: number, slide: number | undefined): WindowSettings {
  positiveCount(size, 'The size of countWindow')
  const assigner = globalWindows()
  if (slide === undefined) return { assigner, trigger: purgingTrigger(countTrigger(size)) }
  positiveCount(slide, 'The slide of countWindow')
  return { assigner, trigger: countTrigger(slide), evictor: countEvictor(size) }
}

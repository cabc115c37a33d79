import { checkMethods } from '../function.ts'

/** Fails with `MR_GRAPH_INVALID` unless something has the methods of a trigger; `what` was given it. */
export function checkTrigger(trigger: unknown, what: string): void {
  checkMethods(trigger, ['onElement', 'onEventTime', 'onProcessingTime', 'clear'], what)
}

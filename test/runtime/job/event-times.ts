import type { HoldingInput, SubtaskEventTime } from '../../../runtime/event-time.ts'

/** A subtask as reported; whatever is not given is unremarkable. */
export function timeOf(
  operator: string,
  known: Partial<SubtaskEventTime> & Pick<SubtaskEventTime, 'hold'>,
): SubtaskEventTime {
  const { watermark = -Infinity } = known
  return {
    operator,
    subtask: 0,
    watermark,
    forwarded: watermark,
    status: 'active',
    standsMs: 0,
    silentMs: 0,
    hasTimers: false,
    holdsBack: false,
    alignmentGroup: undefined,
    ...known,
  }
}

/** Held back by an input. */
export function inputOf(
  operator: string,
  watermark: number,
  known: Partial<HoldingInput> = {},
): HoldingInput {
  return {
    kind: 'input',
    input: 1,
    operator,
    subtask: 0,
    watermark,
    blockedBy: undefined,
    ...known,
  }
}

import type {
  EmptyFetches,
  EventTimeExplanation,
  EventTimeReason,
  EventTimeStep,
  HoldingSplit,
} from '../event-time.ts'
import { formatInstant, formatMs } from '../time-text.ts'

/**
 * An explanation as one sentence: `"hourly" #1 stands at 2024-05-01 12:04:59.999 for 42 s: input 1 ← "transactions" #2, split
 * cards-7.csv: no record for 41 s (idle in 19 s)`. Subtasks are named where there are several.
 */
export function eventTimeText(
  explanation: Omit<EventTimeExplanation, 'text'>,
  parallelismOf: (operator: string) => number,
): string {
  const nameOf = ({ operator, subtask }: { operator: string; subtask: number }): string =>
    parallelismOf(operator) > 1 ? `"${operator}" #${subtask}` : `"${operator}"`
  const { watermark, standsMs, path, reason } = explanation
  const subject = nameOf(explanation)
  const forMs = formatMs(standsMs)
  let stands = `${subject} stands at ${formatInstant(watermark)} for ${forMs}`
  if (watermark === -Infinity) stands = `${subject} has no event time after ${forMs}`
  else if (watermark === Infinity) stands = `${subject} is at the end of time for ${forMs}`
  const steps = shownSteps(path).map((step) => stepText(step, nameOf(step)))
  const place = steps.length === 0 ? '' : `${steps.join(', ')}${'splitId' in reason ? ', ' : ': '}`
  return `${stands}: ${place}${reasonText(reason)}`
}

/** Of operators that call each other directly only the last is named: they are one subtask. */
function shownSteps(path: readonly EventTimeStep[]): EventTimeStep[] {
  const shown: EventTimeStep[] = []
  for (const step of path) {
    const before = shown.at(-1)
    if (step.over === 'chain' && before !== undefined) {
      shown[shown.length - 1] = { ...step, over: before.over }
    } else shown.push(step)
  }
  return shown
}

function stepText({ over }: EventTimeStep, name: string): string {
  if (over === 'chain') return `← ${name}`
  if (over === 'group') return `paused by alignment with ${name}`
  return `input ${over} ← ${name}`
}

function reasonText(reason: EventTimeReason): string {
  switch (reason.kind) {
    case 'no-strategy':
      return 'it has no watermarks, and holds time back until it has ended or is idle'
    case 'read-later':
      return 'it is not read before the sources that are read first have ended'
    case 'waiting-for-splits':
      return 'splits are still to be assigned, and may begin anywhere'
    case 'no-splits':
      return `it has been given no split${idleText(reason)}`
    case 'no-record-yet':
      return `${splitText(reason)}: no record yet${idleText(reason)}`
    case 'no-record':
      return `${splitText(reason)}: no record for ${formatMs(reason.emptyMs ?? 0)}${idleText(reason)}${lastText(reason)}`
    case 'no-watermark-yet':
      return `${splitText(reason)}: its records have made no watermark yet${lastText(reason)}`
    case 'slow-split':
      return `${splitText(reason)}: its records are of no later time${lastText(reason)}`
    case 'paused':
      return `${splitText(reason)}: paused by alignment group "${reason.group}"`
    case 'back-pressure':
      return 'back-pressure: it, or what is behind it, takes nothing'
    case 'timers':
      return reason.upTo === Infinity
        ? 'the timers that are left at the end of its input are being fired'
        : `timers up to ${formatInstant(reason.upTo)} are being fired`
    case 'barrier':
      return 'a checkpoint barrier of its other inputs is awaited'
    case 'on-its-way':
      return 'the next watermark is on its way, behind records'
    case 'held-back':
      return 'it is not done with what came before'
    case 'generator':
      return reason.silentMs > 0
        ? `its watermark generator has had no record for ${formatMs(reason.silentMs)}`
        : 'its watermark generator has made no higher one'
    case 'idle':
      return 'all its inputs are idle'
    case 'ended':
      return 'its input has ended'
    case 'not-reported':
      return 'what holds it back has not been reported'
  }
}

function splitText({ splitId, activeSplits, lowestSplits }: HoldingSplit): string {
  const others = lowestSplits > 1 ? ` and ${lowestSplits - 1} more` : ''
  const all = activeSplits > 1 ? ` of ${activeSplits}` : ''
  return `split ${splitId}${others}${all}`
}

function idleText({ idleInMs }: EmptyFetches): string {
  return idleInMs === undefined ? '' : ` (idle in ${formatMs(idleInMs)})`
}

function lastText({ lastTimestamp }: HoldingSplit): string {
  return lastTimestamp === undefined ? '' : `, the last one of ${formatInstant(lastTimestamp)}`
}

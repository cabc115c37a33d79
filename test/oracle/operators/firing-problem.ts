import type { Question, Row, TimedEvent } from '../oracle-operator.ts'

/** Windows of event time whose place does not depend on what is in them. */
export interface FixedWindows {
  readonly sizeMs: number
  readonly latenessMs: number
  /** Starts of the windows of an event. */
  startsOf(t: number): readonly number[]
}

/**
 * What is wrong with rows of windows in a loose case, each with the ids of all that is in it; an empty text for nothing.
 *
 * A window fires with what has come in time, and then once for each event that comes after that. An event may be missing where
 * its own split had let the watermark go past the window; then it is missing in all earlier windows too. One that was told to
 * be late is in no window.
 */
export function firingProblem(
  { events, late }: Question,
  windows: FixedWindows,
  rows: readonly Row[],
): string {
  const { sizeMs, latenessMs } = windows
  const known = new Map(events.map((event) => [event.id, event]))
  const contents = new Map<string, ReadonlySet<number>>()
  for (const row of rows) {
    const [key, start, end, ids, timestamp] = row as readonly [
      string,
      number,
      number,
      string,
      number,
    ]
    const shown = JSON.stringify(row)
    if (end !== start + sizeMs || timestamp !== end - 1) return `${shown} is no window`
    const content = ids.split(',').map(Number)
    const now = new Set(content)
    if (now.size < content.length) return `${shown} has an event twice`
    const place = `${key} ${start}`
    const before = contents.get(place)
    contents.set(place, now)
    const added = content.filter((id) => before?.has(id) !== true).map((id) => known.get(id)!)
    for (const event of added) {
      if (
        event?.keyText !== key ||
        !windows.startsOf(event.t).includes(start) ||
        late.has(event.id)
      )
        return `an event of ${shown} does not belong there`
    }
    if (before === undefined) continue
    if (added.length !== 1 || now.size !== before.size + 1)
      return `${shown} fires again for ${added.length} events, and ${before.size} were there before`
    if (end - 1 > added[0]!.watermark) return `${shown} fires again for an event that is not late`
  }
  const isIn = ({ keyText, id }: TimedEvent, start: number): boolean =>
    contents.get(`${keyText} ${start}`)?.has(id) === true
  for (const event of events) {
    const starts = [...windows.startsOf(event.t)].sort((a, b) => a - b)
    const missing = starts.filter((start) => !isIn(event, start))
    const unjust = missing.find((start) => start + sizeMs - 1 + latenessMs > event.watermark)
    if (unjust !== undefined && !late.has(event.id))
      return `event ${event.id} is not in the window of ${unjust}, and its split holds that open`
    const firstIn = starts.findIndex((start) => isIn(event, start))
    if (firstIn !== -1 && starts.slice(firstIn).some((start) => !isIn(event, start)))
      return `event ${event.id} is in the window of ${starts[firstIn]}, but not in a later one`
  }
  return ''
}

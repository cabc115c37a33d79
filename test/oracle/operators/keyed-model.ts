import type { Row, TimedEvent } from '../oracle-operator.ts'

/** Answers as a plain program gives them: one object for each key, which is shown the events of the key in their order. */
export interface KeyModel {
  /** Rows for an event; what the watermark before it has made due comes first. */
  add(event: TimedEvent): readonly Row[]
  /** Rows at the end of the input, after the last watermark before it; meant for exact cases. */
  end?(watermark: number): readonly Row[]
}

/** The rows of all keys, those of each in their order. */
export function rowsByKey(events: readonly TimedEvent[], create: () => KeyModel): Row[] {
  const models = new Map<string, KeyModel>()
  const rows: Row[] = []
  for (const event of events) {
    let model = models.get(event.keyText)
    if (model === undefined) models.set(event.keyText, (model = create()))
    rows.push(...model.add(event))
  }
  const last = events.reduce((highest, { mark }) => Math.max(highest, mark ?? -Infinity), -Infinity)
  for (const model of models.values()) rows.push(...(model.end?.(last) ?? []))
  return rows
}

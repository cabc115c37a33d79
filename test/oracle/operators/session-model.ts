import type { Expectation, Row, TimedEvent } from '../oracle-operator.ts'

interface Session {
  readonly start: number
  readonly end: number
  readonly events: readonly TimedEvent[]
  readonly hasFired: boolean
}

/**
 * Session windows as plain arrays, for events whose watermarks are known: each key's open sessions, which fire when the
 * watermark reaches their last timestamp, and again with each event that comes in the time that is allowed after it.
 */
export class SessionModel {
  readonly #gapOf: (event: TimedEvent) => number
  readonly #latenessMs: number
  readonly #open: Map<string, Session[]> = new Map()
  readonly #rows: Row[] = []
  readonly #late: Set<number> = new Set()

  constructor(gapOf: (event: TimedEvent) => number, latenessMs: number) {
    this.#gapOf = gapOf
    this.#latenessMs = latenessMs
  }

  add(event: TimedEvent): void {
    const { keyText, t, watermark } = event
    const open = this.#advance(this.#open.get(keyText) ?? [], watermark)
    this.#open.set(keyText, open)
    const end = t + this.#gapOf(event)
    const touching = open.filter((session) => session.start <= end && session.end >= t)
    if (touching.length === 0 && end - 1 + this.#latenessMs <= watermark) {
      this.#late.add(event.id)
      return
    }
    const merged: Session = {
      start: Math.min(t, ...touching.map((session) => session.start)),
      end: Math.max(end, ...touching.map((session) => session.end)),
      events: [...touching.flatMap(({ events }) => events), event],
      hasFired: false,
    }
    const others = open.filter((session) => !touching.includes(session))
    // Where it is over already it fires with this event, else when its time comes.
    this.#open.set(keyText, [...others, merged.end - 1 <= watermark ? this.#fire(merged) : merged])
  }

  end(): Expectation {
    for (const open of this.#open.values()) this.#advance(open, Infinity)
    return { rows: this.#rows, late: this.#late }
  }

  /** Fires the sessions whose time has come; returns those that are kept. */
  #advance(open: readonly Session[], watermark: number): Session[] {
    return [...open]
      .sort((a, b) => a.end - b.end)
      .map((session) =>
        !session.hasFired && session.end - 1 <= watermark ? this.#fire(session) : session,
      )
      .filter((session) => session.end - 1 + this.#latenessMs > watermark)
  }

  #fire(session: Session): Session {
    const { start, end, events } = session
    const sum = (of: (event: TimedEvent) => number): number =>
      events.reduce((total, event) => total + of(event), 0)
    const content = [
      events.length,
      sum(({ n }) => n),
      sum(({ id }) => id),
      sum(({ id }) => id * id),
    ]
    this.#rows.push([events[0]!.keyText, start, end, ...content, end - 1])
    return { ...session, hasFired: true }
  }
}

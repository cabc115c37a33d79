/**
 * The open sessions of a key while they are few, as one value of its state: the time of the key's timer, then start, end and
 * accumulator of each session, ascending. No two of them touch, so their ends ascend too.
 *
 * With nothing behind the timer the sessions are elsewhere, since they have been more than a few. Pure.
 */
export type FewSessions = unknown[]

/** Where the first session begins. */
export const FIRST = 1
/** Places that a session takes. */
export const FIELDS = 3
/** Sessions up to this number are one value: each record rewrites all of it in the next checkpoint. */
export const FEW = 8

export function startAt(sessions: FewSessions, at: number): number {
  return sessions[at] as number
}

export function endAt(sessions: FewSessions, at: number): number {
  return sessions[at + 1] as number
}

/** Where the first session lies that ends at a moment or after it; the length if there is none. Looks at the last one first. */
export function firstEndingFrom(sessions: FewSessions, time: number): number {
  let at = sessions.length
  while (at > FIRST && endAt(sessions, at - FIELDS) >= time) at -= FIELDS
  return at
}

/** Where the first session lies, from a place on, that begins after a moment; the length if there is none. */
export function firstStartingAfter(sessions: FewSessions, from: number, time: number): number {
  let at = from
  while (at < sessions.length && startAt(sessions, at) <= time) at += FIELDS
  return at
}

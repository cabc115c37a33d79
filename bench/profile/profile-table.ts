import type { Attribution } from './cpu-profile.ts'
import { type Share, SHARES } from './shares.ts'
import type { NamedThread } from './threads.ts'

/** A row for each share: its part of the time of each thread, and what it comes to for an event over all threads. */
export function shareRows(
  threads: readonly NamedThread[],
  events: number,
): Record<string, Record<string, string>> {
  return Object.fromEntries(
    SHARES.filter((share) => threads.some((thread) => usOf(thread, share) > 0)).map((share) => {
      const parts = threads.map((thread): [string, string] => [
        thread.name,
        percent(usOf(thread, share) / thread.attribution.totalUs),
      ])
      const ns = share === 'idle' ? '' : perEventNs(threads, share, events).toFixed(0)
      return [share, { ...Object.fromEntries(parts), 'ns an event': ns }]
    }),
  )
}

/** The functions that took most by themselves, one a line, with their part of the time and their share; idleness is none. */
export function placeLines({ places, totalUs }: Attribution, top: number): string[] {
  return places
    .filter(({ place }) => place.share !== 'idle')
    .slice(0, top)
    .map(({ place, us }) => {
      const part = percent(us / totalUs).padStart(7)
      return `${part}  ${place.share.padEnd(18)}  ${place.name}`
    })
}

/** The same as numbers: parts from 0 to 1, and nanoseconds an event. */
export function asJson(
  threads: readonly NamedThread[],
  events: number,
): { threads: Record<string, Record<string, number>>; nsPerEvent: Record<string, number> } {
  const partsOf = (thread: NamedThread): Record<string, number> =>
    Object.fromEntries(
      SHARES.map((share) => [
        share,
        Number((usOf(thread, share) / thread.attribution.totalUs).toFixed(4)),
      ]),
    )
  return {
    threads: Object.fromEntries(threads.map((thread) => [thread.name, partsOf(thread)])),
    nsPerEvent: Object.fromEntries(
      SHARES.filter((share) => share !== 'idle').map((share) => [
        share,
        Number(perEventNs(threads, share, events).toFixed(1)),
      ]),
    ),
  }
}

function perEventNs(threads: readonly NamedThread[], share: Share, events: number): number {
  return (threads.reduce((sum, thread) => sum + usOf(thread, share), 0) * 1_000) / events
}

function usOf({ attribution }: NamedThread, share: Share): number {
  return attribution.sharesUs.get(share) ?? 0
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`
}

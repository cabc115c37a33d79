import type { Cancel, Clock } from '../clock.ts'

/** How long a worker loop may stand still before it is reported (R37), and how often that is looked at. */
export const STALL_MS = 10_000
const LOOK_MS = 1_000

/**
 * Watches the loops of slots by their heartbeats, and reports one that has not turned for 10 s: once, until it turns again
 * (R37). Cell 1 of a heartbeat counts turns. Ends with the returned cancel.
 */
export function watchStalls(
  clock: Clock,
  heartbeats: readonly Int32Array[],
  onStall: (slot: number) => void,
): Cancel {
  const seen = heartbeats.map((heartbeat) => ({ turns: heartbeat[1]!, standingMs: 0 }))
  let lookedAt = clock.elapsed()
  let cancel = clock.schedule(LOOK_MS, look)
  function look(): void {
    const now = clock.elapsed()
    // While the whole process is suspended, time passes that counts for nobody.
    const passed = Math.min(now - lookedAt, 2 * LOOK_MS)
    lookedAt = now
    for (const [slot, heartbeat] of heartbeats.entries()) {
      const { turns, standingMs } = seen[slot]!
      const hasTurned = heartbeat[1] !== turns
      seen[slot] = { turns: heartbeat[1]!, standingMs: hasTurned ? 0 : standingMs + passed }
      if (standingMs < STALL_MS && seen[slot].standingMs >= STALL_MS) onStall(slot)
    }
    cancel = clock.schedule(LOOK_MS, look)
  }
  return () => cancel()
}

import type { Port } from '../channel/port.ts'
import type { DeploySettings, SlotCommand, SlotReport } from '../messages.ts'

/** What a slot is started with. */
export interface SlotDeployment {
  readonly settings: DeploySettings
}

/** The slots of one attempt, running. */
export interface LaunchedSlots {
  readonly controls: readonly Port<SlotCommand, SlotReport>[]
  /**
   * One a slot: what it is doing, and how often its loop has turned (R37). Cell 0 is the number of the running node, cell
   * 1 the count of turns.
   */
  readonly heartbeats: readonly Int32Array[]
  /** Set where the turns of an event loop are counted while its slot is deployed, too: it is watched from then on. */
  readonly pulses?: boolean
  /** Calls back when a slot has ended without having been asked to: its thread died (R36). */
  onLost(lost: (slot: number, error: unknown) => void): void
  /** Resolves when every thread of the attempt has ended (R37). */
  destroy(): Promise<void>
}

/** Starts the slots of an attempt: worker threads in a real job, one thread under a scheduler in the test kit (R40). */
export interface SlotLauncher {
  launch(deployments: readonly SlotDeployment[]): Promise<LaunchedSlots>
}

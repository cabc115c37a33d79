import type { SlotEnvironment } from './slot-environment.ts'

/**
 * Numbers the nodes of a graph, 1 upwards, so that a single shared cell can tell another thread which one is running
 * (R37); 0 is none. The numbers follow the graph and are the same in every thread.
 */
export class RunningNode {
  readonly #names: readonly string[]

  constructor(names: readonly string[]) {
    this.#names = names
  }

  numberOf(name: string): number {
    return this.#names.indexOf(name) + 1
  }

  /** The node that runs now, or ran when a failure left it; undefined between turns. */
  nameOf(environment: Pick<SlotEnvironment, 'heartbeat'>): string | undefined {
    return this.#names[environment.heartbeat[0]! - 1]
  }
}

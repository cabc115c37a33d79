/** Collects what collection sinks commit; a delivery that is made again, after a restart, counts once. */
export class Deliveries {
  readonly #byUid: Map<string, { readonly ids: Set<string>; readonly values: unknown[] }> =
    new Map()

  deliver(uid: string, deliveryId: string, values: readonly unknown[]): void {
    let sink = this.#byUid.get(uid)
    if (sink === undefined) {
      sink = { ids: new Set(), values: [] }
      this.#byUid.set(uid, sink)
    }
    if (sink.ids.has(deliveryId)) return
    sink.ids.add(deliveryId)
    for (const value of values) sink.values.push(value)
  }

  /** Committed values by sink uid, in the order of delivery. */
  get values(): Record<string, readonly unknown[]> {
    return Object.fromEntries([...this.#byUid].map(([uid, { values }]) => [uid, values]))
  }
}

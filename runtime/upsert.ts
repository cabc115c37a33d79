/** A change of a table: the row that a key has from now on; null when it has none any more. */
export interface Upsert<K, V> {
  readonly key: K
  readonly value: V | null
}

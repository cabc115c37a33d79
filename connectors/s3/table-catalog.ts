/** A table over the objects of a sink, as a catalogue describes it. */
export interface CatalogTable {
  /** Where its objects lie, such as `s3://lake/clicks/`; undefined where it has none, as a view. */
  readonly location: string | undefined
  /** The names of its partitions, outermost first. */
  readonly partitionKeys: readonly string[]
  /** How its objects are read; partitions are made with the same. */
  readonly storage: Readonly<Record<string, unknown>>
}

/** A partition that a table is to have. */
export interface NewPartition {
  readonly values: readonly string[]
  /** With a slash at its end. */
  readonly location: string
}

/** One table of a catalogue: what Athena and others read to know which partitions there are. */
export interface TableCatalog {
  /** For messages, such as `table "lake.clicks" of the Glue catalogue`. */
  readonly name: string
  /** Looks the table up; fails with a coded error where it is not there, or may not be seen. */
  describe(): Promise<CatalogTable>
  /** Makes partitions; one that is there stays as it is, so it may be done again. Where it fails, some may have been made. */
  createPartitions(table: CatalogTable, partitions: readonly NewPartition[]): Promise<void>
  close(): void
}

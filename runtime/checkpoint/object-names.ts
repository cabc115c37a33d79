import { checkpointIdOf, SEGMENT, usableFileName } from './file-names.ts'

/** Being there, it keeps the id of its checkpoint taken; there is nothing in it. */
export const RESERVED = 'reserved'

/** Who writes objects: names must tell, and no two writers may ever use the same. */
export interface ObjectAuthor {
  /** How often the job had been taken over when this run had done so. */
  readonly epoch: number
  /** A random name that no other writer has. */
  readonly writer: string
}

/**
 * The name of a file of state, `<wish>.e<epoch>-<writer>-<n>.seg`: nobody else writes under it, so that what a run writes that has
 * been taken over from, or an upload that ends late, replaces nothing.
 */
export function objectFileName(wish: string, author: ObjectAuthor, n: number): string {
  return `${usableFileName(wish)}.e${author.epoch}-${author.writer}-${n}${SEGMENT}`
}

/** The epoch in which a file was written; 0 where its name does not say. */
export function epochOf(file: string): number {
  return Number(/\.e(\d{1,15})-[^.]*\.seg$/.exec(file)?.[1] ?? 0)
}

/** An object of a checkpoint: `chk-<id>/<file>`. */
export interface CheckpointObject {
  readonly checkpointId: number
  readonly file: string
}

/** Reads a name below the place of a lineage; undefined for what is none of a checkpoint. */
export function checkpointObjectOf(name: string): CheckpointObject | undefined {
  const at = name.indexOf('/')
  const checkpointId = checkpointIdOf(name.slice(0, Math.max(0, at)))
  return checkpointId === undefined ? undefined : { checkpointId, file: name.slice(at + 1) }
}

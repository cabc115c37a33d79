import { ByteWriter } from '../bytes.ts'
import { MapDirectory } from './map-directory.ts'
import type { RestoredBase } from './state-backend.ts'

/** A map that the base would cut into fewer pieces is small. */
const LEAST_BOUNDS = 4

/**
 * Where the index of a map of the restored base is cut into pages: 0 up to the first bound, and so on; none where it is one
 * piece. Whoever makes the index of a restored map goes by this, so that those who look parts of it up and what is loaded in the
 * background agree on what a page holds.
 */
export function pageBounds(base: RestoredBase, prefix: Uint8Array): readonly Uint8Array[] {
  const bounds = base.bounds(prefix)
  return bounds.length < LEAST_BOUNDS ? [] : bounds
}

/** The index of a map with these bounds, as a working copy keeps it. */
export function storedDirectory(bounds: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter()
  MapDirectory.cutAt(bounds).write(writer)
  return writer.copy()
}

const kept: object[] = []

/**
 * Keeps an instance of a class for as long as the thread lives.
 *
 * V8 drops the code that it has compiled for a class when a full collection meets no instance of it. What lives from the
 * beginning of a checkpoint to its end, and works on each of its entries, would be compiled anew every few seconds: an entry
 * costs about twice as much then. To be called once where the class is defined, with an instance that holds little.
 */
export function keepCompiled(instance: object): void {
  kept.push(instance)
}

/**
 * URL of a worker's entry point beside the module `from` (its `import.meta.url`).
 *
 * `new URL('./x.ts', …)` is not rewritten by the compiler, so the extension is taken from the module that asks: `.ts` in
 * the sources, `.js` in `dist`. This is the only place that chooses.
 */
export function workerUrl(name: string, from: string): URL {
  const extension = from.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./${name}${extension}`, from)
}

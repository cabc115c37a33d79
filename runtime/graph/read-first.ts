/** What begins a vertex, of a graph or of a plan. */
interface VertexHead {
  readonly type: 'source' | 'operator' | 'sink'
  readonly readFirst?: boolean
}

/**
 * The vertices that wait while sources with `readFirst` are read: the sources without it, and all that reads from them
 * directly or through others, even if it reads from one with it too. Empty where no source has it, or all have it. Pure.
 *
 * `heads` are the first nodes of the vertices, in topological order, as a graph and a plan have them.
 */
export function heldVertices(
  heads: readonly VertexHead[],
  edges: readonly { readonly fromVertex: number; readonly toVertex: number }[],
): ReadonlySet<number> {
  const sources = heads.filter(({ type }) => type === 'source')
  const held = new Set<number>()
  if (!sources.some(isReadFirst)) return held
  for (const [vertex, head] of heads.entries()) {
    const isHeld =
      head.type === 'source'
        ? !isReadFirst(head)
        : edges.some(({ fromVertex, toVertex }) => toVertex === vertex && held.has(fromVertex))
    if (isHeld) held.add(vertex)
  }
  return held
}

function isReadFirst({ readFirst }: VertexHead): boolean {
  return readFirst === true
}

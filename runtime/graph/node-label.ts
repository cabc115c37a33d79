import type { StreamNode } from './stream-graph.ts'

/** "map#2", or kind and uid of a node: what it is called in messages. */
export function nodeLabel(node: StreamNode): string {
  if (node.uid === undefined)
    return node.type === 'operator' ? node.name : `${node.type} ${node.name}`
  return `${node.type === 'operator' ? node.operatorKind : node.type} "${node.uid}"`
}

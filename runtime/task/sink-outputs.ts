import type { PendingCommit } from '../checkpoint/pending-commits.ts'
import type { StreamNode } from '../graph/stream-graph.ts'
import type { PrepareOutput } from '../messages.ts'
import type { PrepareOutputContext, Sink } from '../sink.ts'
import { decodeValue } from '../value-codec.ts'

/** Does something with the output of every sink of a job, one after another, before anything is opened. */
export async function eachSinkOutput(
  nodes: readonly StreamNode[],
  output: PrepareOutput,
  log: (uid: string, message: string) => void,
  work: (sink: Sink<unknown>, context: PrepareOutputContext) => void | Promise<void>,
): Promise<void> {
  for (const node of nodes) {
    if (node.type !== 'sink') continue
    const pending = (output.pending[node.name] ?? []).flatMap(
      (data) => decodeValue(data) as PendingCommit[],
    )
    await work(node.sink, {
      uid: node.name,
      current: output.current,
      ancestry: output.ancestry,
      policy: output.policy,
      pending: pending.flatMap((commit) => commit.committables),
      log: (message) => log(node.name, message),
    })
  }
}

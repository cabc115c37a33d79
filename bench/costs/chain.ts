import { filterSpec } from '../../operators/filter.ts'
import { mapSpec } from '../../operators/map.ts'
import { NodeOutput, type NodeRuntime, type RecordTarget } from '../../runtime/task/chain-node.ts'
import { rigContext, rigNode } from '../operator-rig.ts'
import { differences } from './in-turns.ts'

const RECORDS = 1_000_000
const FEW = 4
const MANY = 12

/**
 * A call from one operator of a chain to the next: the difference between chains of 12 and of 4 operators, of `map` and `filter` in
 * turn, whose functions do nothing. Counting the record, and knowing which operator fails, are in it.
 */
export async function chainCosts(rounds: number): Promise<Record<string, readonly number[]>> {
  const values = Array.from({ length: 1_024 }, (_, index) => ({ id: index, cents: index * 7 }))
  const through = (length: number) => {
    const first = chainOf(length)
    return () => {
      for (let i = 0; i < RECORDS; i++) first.accept(values[i & 1_023], i)
    }
  }
  const works = { with: through(MANY), without: through(FEW) }
  return { 'chain call': await differences(rounds, RECORDS * (MANY - FEW), works) }
}

/** From the last operator to the first. */
function chainOf(length: number): RecordTarget {
  let taken = 0
  let target: RecordTarget = { accept: () => void taken++ }
  for (let index = length; index > 0; index--) target = operatorBefore(target, index % 2 === 0)
  return target
}

function operatorBefore(target: RecordTarget, isMap: boolean): NodeRuntime {
  const node = rigNode()
  const output = new NodeOutput(undefined)
  output.attach(target)
  const spec = isMap
    ? mapSpec((value: object) => value, undefined)
    : filterSpec<object>(() => true, undefined)
  node.body = { kind: 'operator', operator: spec.factory(rigContext({ node, output })) }
  return node
}

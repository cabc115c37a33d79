import type { JobPlan, PlanOperator, PlanVertex } from '../runtime/graph/job-plan.ts'
import type { Partitioner } from '../runtime/graph/stream-graph.ts'
import { formatMs } from '../runtime/time-text.ts'
import { formatCount, formatNumberOf } from './units.ts'

type ChainOperator = PlanVertex['chain'][number]

/**
 * Draws a plan as text, a line an operator.
 *
 * Operators of one chain stand in one block: they run in one thread and call each other directly. Its head line says how
 * many subtasks the chain has and where its records come from; `══` is a shuffle, which moves records between threads.
 */
export function renderPlan(plan: JobPlan): string[] {
  const rows = plan.vertices.map((vertex) => chainRows(vertex))
  const widths = [0, 1].map((column) => {
    return Math.max(0, ...rows.flat().map((row) => row[column]!.length))
  })
  return plan.vertices.flatMap((vertex, index) => [
    ...(index === 0 ? [] : ['']),
    headLine(plan, vertex),
    ...rows[index]!.map(([name, kind, rest]) =>
      `    ${name.padEnd(widths[0]!)}  ${kind.padEnd(widths[1]!)}  ${rest}`.trimEnd(),
    ),
  ])
}

/** What a plan is, in one line: sizes and numbers. */
export function planHeadline(plan: JobPlan): string {
  const shuffles = plan.vertices
    .flatMap((vertex) => inputsOf(plan, vertex))
    .filter(isShuffle).length
  const operators = plan.vertices.reduce((sum, vertex) => sum + vertex.chain.length, 0)
  const subtasks = plan.vertices.reduce((sum, vertex) => sum + vertex.parallelism, 0)
  return [
    `${plan.job}: parallelism ${plan.parallelism}`,
    `maximum parallelism ${formatCount(plan.maxParallelism)}`,
    formatNumberOf(operators, 'operator'),
    `${formatNumberOf(plan.vertices.length, 'chain')} (${formatNumberOf(subtasks, 'subtask')})`,
    formatNumberOf(shuffles, 'shuffle'),
  ].join(', ')
}

function headLine(plan: JobPlan, vertex: PlanVertex): string {
  const head = `[${vertex.index + 1}] × ${vertex.parallelism}`
  const all = inputsOf(plan, vertex)
  const hasTwoInputs = all.some((input) => input.toInput === 2)
  const inputs = all.map((input) => {
    const line = isShuffle(input) ? '══' : '──'
    const to = hasTwoInputs ? ` ${input.toInput}:` : ''
    const from = `[${input.fromVertex + 1}] ${input.outputs.join(', ')}`
    return `  ◀${to}${line} ${PARTITIONER_TEXT[input.partitioner]} ${line} ${from}`
  })
  return `${head}${inputs.join('')}`
}

/** All that one chain gets from another in one way. */
interface ChainInput {
  readonly fromVertex: number
  readonly toInput: 1 | 2
  readonly partitioner: Partitioner
  readonly outputs: string[]
}

const PARTITIONER_TEXT: Readonly<Record<Partitioner, string>> = {
  forward: 'direct',
  hash: 'shuffle by key',
  rebalance: 'shuffle in turn',
  rescale: 'in turn, to a share of them',
  shuffle: 'shuffle at random',
  broadcast: 'to all',
  global: 'to the first',
  custom: 'by a function',
}

function isShuffle(input: ChainInput): boolean {
  return input.partitioner !== 'forward'
}

function inputsOf(plan: JobPlan, vertex: PlanVertex): ChainInput[] {
  const inputs: ChainInput[] = []
  for (const { fromVertex, partitioner, toVertex, toInput, fromOperator, fromTag } of plan.edges) {
    if (toVertex !== vertex.index) continue
    const tag = fromTag === undefined ? '' : ` (side output ${fromTag})`
    const output = `${fromOperator}${tag}`
    const known = inputs.find((one) => {
      const isSameWay = one.partitioner === partitioner && one.toInput === toInput
      return one.fromVertex === fromVertex && isSameWay
    })
    if (known === undefined) inputs.push({ fromVertex, toInput, partitioner, outputs: [output] })
    else known.outputs.push(output)
  }
  return inputs
}

/** Name, kind and the rest of each operator of a chain, indented as they call each other. */
function chainRows(vertex: PlanVertex): [name: string, kind: string, rest: string][] {
  const rows: [string, string, string][] = []
  const add = (parent: number, indent: string): void => {
    const children = vertex.chain.flatMap((operator, index) =>
      operator.parent === parent ? [{ operator, index }] : [],
    )
    for (const [position, { operator, index }] of children.entries()) {
      const isLast = position === children.length - 1
      const branch = parent === -1 ? '' : isLast ? '└─ ' : '├─ '
      rows.push([`${indent}${branch}${nameOf(operator)}`, kindOf(operator), restOf(operator)])
      add(index, parent === -1 ? '' : `${indent}${isLast ? '   ' : '│  '}`)
    }
  }
  add(-1, '')
  return rows
}

function nameOf(operator: ChainOperator): string {
  const tag = operator.parentTag === undefined ? '' : ` ◁ side output ${operator.parentTag}`
  if (operator.uid === undefined) return `(${operator.name})${tag}`
  const name = operator.name === operator.uid ? '' : ` (${operator.name})`
  return `${operator.uid}${name}${tag}`
}

function kindOf(operator: PlanOperator): string {
  return operator.type === 'operator'
    ? operator.operatorKind
    : `${operator.operatorKind} ${operator.type}`
}

function restOf(operator: PlanOperator): string {
  const parts: string[] = []
  if (operator.boundedness !== undefined) parts.push(operator.boundedness)
  if (operator.readFirst === true) parts.push('read first')
  if (operator.guarantee !== undefined) parts.push(operator.guarantee)
  if (operator.states.length > 0) {
    const states = operator.states.map(showState)
    parts.push(`state ${states.join(', ')}`)
  }
  if (operator.hasTimers) parts.push('timers')
  for (const [name, value] of Object.entries(operator.identity ?? {})) {
    parts.push(`${name} ${value}`)
  }
  return parts.join('; ')
}

function showState({ name, kind, version, ttl }: PlanOperator['states'][number]): string {
  const parts: string[] = [kind]
  if (version !== 1) parts.push(`version ${version}`)
  if (ttl !== undefined) {
    parts.push(`ttl ${formatMs(ttl.durationMs)} of ${ttl.timeDomain} time`)
    if (ttl.update === 'onReadAndWrite') parts.push('renewed by reads')
    if (ttl.visibility === 'returnExpiredIfNotCleanedUp') parts.push('expired values returned once')
  }
  return `${name} (${parts.join(', ')})`
}

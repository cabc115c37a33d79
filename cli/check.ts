import { toErrorData } from '../runtime/errors.ts'
import type { CheckedSnapshot, JobCheck } from '../runtime/job/check-job.ts'
import type { MappedOperator, MappedState } from '../runtime/job/restore-map.ts'
import { formatTimestamp } from '../runtime/time-text.ts'
import type { CheckCommand } from './args.ts'
import { columns } from './columns.ts'
import { jsonError, renderError } from './errors.ts'
import type { Host } from './host.ts'
import { toLine } from './json-output.ts'

/** Says whether a job could go on from a snapshot, and with what of its state; 0 if it would start. */
export async function check(command: CheckCommand, host: Host): Promise<number> {
  const { job, options, json } = command
  const onLog = (line: string): void => void host.stderr.write(`${line}\n`)
  const { checkJob } = await import('../runtime/job/check-job.ts')
  const found = await checkJob(job, { ...options, onLog })
  const { snapshot } = found
  const shapes = await shapesIn(snapshot)
  const starts = found.problems.length === 0
  const problems = found.problems.map((problem) => toErrorData(problem))
  if (json) {
    const operators = found.operators.map((one) => withShapes(one, shapes))
    const line = {
      ...found,
      starts,
      operators,
      problems: problems.map((problem) => jsonError(problem)),
    }
    host.stdout.write(toLine(line))
  } else host.stdout.write(`${asText(found, shapes).join('\n')}\n`)
  if (!json) for (const data of problems) host.stdout.write(`\n${renderError(data).join('\n')}\n`)
  return starts ? 0 : 1
}

type Shapes = ReadonlyMap<string, string>

/** What values look like: types do not exist at run time, so people have to compare. A damaged file is told as a problem. */
async function shapesIn(snapshot: CheckedSnapshot | undefined): Promise<Shapes> {
  if (snapshot === undefined) return new Map()
  const { storedShapes } = await import('../runtime/inspect/stored-shapes.ts')
  return storedShapes(snapshot.path, snapshot.bytes).catch(() => new Map())
}

function withShapes(operator: MappedOperator, shapes: Shapes): MappedOperator {
  const states = operator.states.map((state) => ({
    ...state,
    shape: shapes.get(`${operator.wasUid}/${state.name}`),
  }))
  return { ...operator, states }
}

function asText(found: JobCheck, shapes: Shapes): string[] {
  const { job, parallelism, snapshot, operators, notes, problems, hasEnded } = found
  const lines = [`job "${job}" at parallelism ${parallelism}`]
  if (snapshot !== undefined) lines.push(`from ${snapshotText(snapshot)}`, `in ${snapshot.path}`)
  else if (problems.length === 0) lines.push('there is nothing to go on from: it would begin anew')
  if (operators.length > 0)
    lines.push('', ...columns(operators.flatMap((one) => operatorRows(one, shapes))))
  if (notes.length > 0) lines.push('', ...notes)
  lines.push('', verdict(problems.length, hasEnded))
  return lines
}

function verdict(problems: number, hasEnded: boolean): string {
  if (problems > 0)
    return `it would not start, for ${problems === 1 ? 'this reason' : `these ${problems} reasons`}:`
  return hasEnded ? 'it has ended: a run would say so and do nothing' : 'it would start'
}

function snapshotText({
  kind,
  checkpointId,
  lineage,
  createdAt,
  parallelism,
}: CheckedSnapshot): string {
  const name = kind === 'savepoint' ? 'savepoint' : 'checkpoint'
  return `${name} ${checkpointId} of lineage ${lineage}, taken ${formatTimestamp(createdAt)} UTC at parallelism ${parallelism}`
}

const OPERATOR = { restored: 'goes on', new: 'is new', dropped: 'is gone' } as const

function operatorRows(operator: MappedOperator, shapes: Shapes): string[][] {
  const { uid, becomes, states, wasParallelism, parallelism } = operator
  const isRescaled = becomes === 'restored' && wasParallelism !== parallelism
  const note = isRescaled ? `parallelism ${wasParallelism} → ${parallelism}` : ''
  const shapeOf = ({ name }: MappedState): string => shapes.get(`${operator.wasUid}/${name}`) ?? ''
  return [[uid, OPERATOR[becomes], note], ...states.map((one) => [...stateRow(one), shapeOf(one)])]
}

function stateRow(state: MappedState): string[] {
  const { name, kind, becomes, version, storedVersion } = state
  switch (becomes) {
    case 'restored':
      return [`  ${name}`, 'restored', kind]
    case 'upcast':
      return [
        `  ${name}`,
        'restored',
        `${kind}, values of version ${storedVersion} become ${version}`,
      ]
    case 'new':
      return [`  ${name}`, 'begins empty', kind]
    case 'dropped':
      return [`  ${name}`, 'would be dropped', kind]
  }
}

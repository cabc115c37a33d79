import type { Out } from '../../operators/collector.ts'
import { collectionSink } from '../../connectors/collection-sink.ts'
import { punctuatedWatermarks } from '../../operators/custom-watermarks.ts'
import type { StreamEnvironment } from '../../operators/environment.ts'
import { job } from '../../operators/job.ts'
import { fixedDelayRestart } from '../../operators/restart.ts'
import type { DataStream } from '../../operators/streams.ts'
import { boundedOutOfOrderness } from '../../operators/watermarks.ts'
import type { JobModule } from '../../runtime/job/job-module.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import { splitsSource } from '../simulation/splits-source.ts'
import { type Event, keyOf } from './event.ts'
import type { OracleCase } from './oracle-case.ts'
import type { LateRecord, Row } from './oracle-operator.ts'

/** Uids of the sinks: what the operator puts out, and which events it tells to be late. */
export const MAIN = 'main'
export const LATE = 'late'

/** The job of a case, at whatever parallelism a run has. */
export function caseJob(of: OracleCase): JobModule {
  const at = (parallelism: number): JobModule => {
    const sourceParallelism = of.sourceParallelism === 1 ? 1 : parallelism
    return jobAt({ ...of, parallelism, sourceParallelism })
  }
  return {
    ...at(of.parallelism),
    build: (params, shape) => at(shape.parallelism).build(params, shape),
  }
}

/** Sources, the operator under test, and sinks that note the timestamp of each row. */
function jobAt(of: OracleCase): JobModule {
  const { operator, params, keyKind, parallelism, stream } = of
  const restart = fixedDelayRestart({ attempts: 1_000, delay: 1 })
  return job(`oracle-${of.number}`, { restart }, (env) => {
    const [first, second] = inputs(of, env)
    const { main, late } = operator.build(
      { first, second, keyOf: (event) => keyOf(keyKind, event.key), certainty: stream.certainty },
      params,
      { uid: 'under-test', parallelism },
    )
    withTimestamps(main, (row) => row).sinkTo(collectionSink(), { uid: MAIN })
    if (late === undefined) return
    const lateRecords = main.getSideOutput(late as OutputTag<Event | LateRecord>)
    const ids = withTimestamps(lateRecords, (one) => ['value' in one ? one.value.id : one.id])
    ids.sinkTo(collectionSink(), { uid: LATE })
  })
}

function inputs(of: OracleCase, env: StreamEnvironment): [DataStream<Event>, DataStream<Event>] {
  const { splits } = of.stream
  if (of.hasTwoSources) {
    const bySide = [0, 1].map((side) =>
      splits.map((events) => events.filter((e) => e.side === side)),
    )
    return [source(of, env, 'left', bySide[0]!), source(of, env, 'right', bySide[1]!)]
  }
  const all = source(of, env, 'events', splits)
  if (of.operator.inputs === 1) return [all, all]
  // At another parallelism than the source's, events of a key would not keep their order.
  const options = of.operator.isOrdered ? { parallelism: of.sourceParallelism } : {}
  return [
    all.filter((event) => event.side === 0, options),
    all.filter((event) => event.side === 1, options),
  ]
}

function source(
  { stream, settings, sourceParallelism, backend }: OracleCase,
  env: StreamEnvironment,
  uid: string,
  splits: readonly (readonly Event[])[],
): DataStream<Event> {
  const { boundMs } = stream
  const fetchMs = backend === 'memory' ? 10 : 1
  return env.fromSource(
    splitsSource({ splits, assignEveryMs: 0, fetchRows: settings.fetchEvents, fetchMs }),
    {
      uid,
      parallelism: sourceParallelism,
      watermarks:
        boundMs === undefined
          ? punctuatedWatermarks(
              (event: Event) => event.mark ?? undefined,
              (event) => event.t,
            )
          : boundedOutOfOrderness(boundMs, (event: Event) => event.t),
    },
  )
}

function withTimestamps<T>(stream: DataStream<T>, rowOf: (value: T) => Row): DataStream<Row> {
  return stream.process((value, ctx, out: Out<Row>) => out.emit([...rowOf(value), ctx.timestamp]))
}

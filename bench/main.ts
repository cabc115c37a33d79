/** `npm run bench -- NAME`: benchmarks, each in a file of its own; every one prints a table and one line of JSON. */
import { kinesisBench, kinesisHelp } from './aws/kinesis.ts'
import { s3Bench, s3Help } from './aws/s3.ts'
import { alignmentBench, alignmentHelp } from './alignment.ts'
import { checkpointsBench, checkpointsHelp } from './checkpoints.ts'
import { codecBench, codecHelp } from './codec.ts'
import { costsBench, costsHelp } from './costs/costs.ts'
import { formatsBench, formatsHelp } from './formats.ts'
import { fraudBench, fraudHelp } from './fraud.ts'
import { kafkaBench, kafkaHelp } from './kafka/kafka.ts'
import { latencyBench, latencyHelp } from './latency/latency.ts'
import { loopLagBench, loopLagHelp } from './loop-lag.ts'
import { memoryBench, memoryHelp } from './memory.ts'
import { nexmarkBench, nexmarkHelp } from './nexmark/nexmark.ts'
import { isAboutOptions } from './option-values.ts'
import { parquetBench, parquetHelp } from './parquet.ts'
import { profileBench, profileHelp } from './profile/profile.ts'
import { recoveryBench, recoveryHelp } from './recovery/recovery.ts'
import { restoreBench, restoreHelp } from './restore.ts'
import { spillBench, spillHelp } from './spill.ts'
import { timersBench, timersHelp } from './timers.ts'
import { windowsBench, windowsHelp } from './windows.ts'

const benches: Record<string, { run: (args: string[]) => Promise<void>; help: string }> = {
  alignment: { run: alignmentBench, help: alignmentHelp },
  checkpoints: { run: checkpointsBench, help: checkpointsHelp },
  codec: { run: codecBench, help: codecHelp },
  costs: { run: costsBench, help: costsHelp },
  formats: { run: formatsBench, help: formatsHelp },
  fraud: { run: fraudBench, help: fraudHelp },
  kafka: { run: kafkaBench, help: kafkaHelp },
  kinesis: { run: kinesisBench, help: kinesisHelp },
  latency: { run: latencyBench, help: latencyHelp },
  'loop-lag': { run: loopLagBench, help: loopLagHelp },
  memory: { run: memoryBench, help: memoryHelp },
  nexmark: { run: nexmarkBench, help: nexmarkHelp },
  parquet: { run: parquetBench, help: parquetHelp },
  profile: { run: profileBench, help: profileHelp },
  recovery: { run: recoveryBench, help: recoveryHelp },
  restore: { run: restoreBench, help: restoreHelp },
  s3: { run: s3Bench, help: s3Help },
  spill: { run: spillBench, help: spillHelp },
  timers: { run: timersBench, help: timersHelp },
  windows: { run: windowsBench, help: windowsHelp },
}

const [name, ...args] = process.argv.slice(2)
const bench = name === undefined ? undefined : benches[name]
if (bench === undefined || args.includes('--help')) {
  const list = Object.values(benches).map(({ help }) => help)
  console.log(bench === undefined ? list.join('\n') : bench.help)
  process.exitCode = bench === undefined && name !== '--help' ? 2 : 0
} else {
  try {
    await bench.run(args)
  } catch (error) {
    if (!isAboutOptions(error)) throw error
    console.error(error.message)
    process.exitCode = 2
  }
}

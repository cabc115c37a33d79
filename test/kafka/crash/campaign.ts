import { SeededRandom } from '../../../runtime/clock.ts'
import { KafkaServer } from '../../servers/kafka-server.ts'
import { drawCase, KafkaCase } from './kafka-case.ts'

export interface KafkaCampaignOptions {
  readonly kills: number
  readonly brokerKills: number
  readonly seed: number
  readonly tell: (line: string) => void
}

export interface KafkaCampaign {
  readonly kills: number
  readonly brokerKills: number
  readonly cases: number
  /** The first case that went wrong; undefined when none did. */
  readonly failure: string | undefined
}

/** At most so many kills of the job in one case. */
const KILLS_A_CASE = 10
const BROKER_KILLS_A_CASE = 3

/** Cases on one broker, until so many kills have hit; ends with the first difference. */
export async function kafkaCampaign(options: KafkaCampaignOptions): Promise<KafkaCampaign> {
  const { seed, tell } = options
  // The dead broker is forgotten sooner, so that its restart does not wait for that.
  const server = await KafkaServer.start({ settings: { 'broker.session.timeout.ms': '1500' } })
  let [kills, brokerKills, cases] = [0, 0, 0]
  try {
    while (kills < options.kills || brokerKills < options.brokerKills) {
      const random = new SeededRandom(seed + cases)
      const plan = drawCase(
        random,
        Math.min(KILLS_A_CASE, options.kills - kills),
        Math.min(BROKER_KILLS_A_CASE, options.brokerKills - brokerKills),
      )
      const outcome = await new KafkaCase(server, plan).run()
      kills += outcome.kills
      brokerKills += outcome.brokerKills
      cases++
      const { records, keys, checkpointIntervalMs, parallelism } = plan
      tell(
        `case ${cases}: ${records} records of ${keys} keys, checkpoints every ${checkpointIntervalMs} ms, parallelism ${parallelism.join(' ')}: ` +
          `${outcome.kills} kills of the job, ${outcome.brokerKills} of the broker; in all ${kills} and ${brokerKills}`,
      )
      if (outcome.problems.length > 0) {
        const failure = `case ${cases} (seed ${seed + cases - 1}, ${outcome.folder}):\n${outcome.problems.join('\n')}`
        return { kills, brokerKills, cases, failure }
      }
    }
    return { kills, brokerKills, cases, failure: undefined }
  } finally {
    await server.stop()
  }
}

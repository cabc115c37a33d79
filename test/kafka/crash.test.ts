import { expect, it } from 'vitest'
import { describeKafkaServer } from '../servers/kafka-for-tests.ts'
import { kafkaCampaign } from './crash/campaign.ts'

describeKafkaServer('crashes', () => {
  it('20 kills of the job and 5 of the broker lose and double nothing', async () => {
    const seed = 1
    const told: string[] = [`seeds ${seed} and ${seed + 1_000}`]
    const campaign = (kills: number, brokerKills: number, from: number) =>
      kafkaCampaign({ kills, brokerKills, seed: from, tell: (line) => told.push(line) })
    // Each with a broker of its own; most of the time they wait for starts.
    const campaigns = await Promise.all([campaign(14, 1, seed), campaign(6, 4, seed + 1_000)])
    const failures = campaigns.map(({ failure }) => failure)
    expect([...failures, ...told]).toEqual([undefined, undefined, ...told])
    const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
    expect(sum(campaigns.map(({ kills }) => kills))).toBeGreaterThanOrEqual(20)
    expect(sum(campaigns.map(({ brokerKills }) => brokerKills))).toBeGreaterThanOrEqual(5)
  }, 400_000)
})

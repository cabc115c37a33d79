import { expect, it } from 'vitest'
import { describeS3 } from '../servers/aws-for-tests.ts'
import { lakeCampaign } from './s3-crash/campaign.ts'

describeS3('s3Sink in crashes', (s3) => {
  it('loses, doubles and shows too early nothing in 8 kills, with requests that fail', async () => {
    const told: string[] = []
    const { endpoint } = s3
    const tell = (line: string) => void told.push(line)
    // Most of the time they wait for starts.
    const campaigns = await Promise.all(
      [1, 1_002].map((seed) => lakeCampaign({ endpoint, kills: 4, seed, tell })),
    )
    const failures = campaigns.map(({ failure }) => failure)
    expect([...failures, ...told]).toEqual([undefined, undefined, ...told])
    const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
    expect(sum(campaigns.map(({ kills }) => kills))).toBeGreaterThanOrEqual(8)
    expect(sum(campaigns.map(({ faults }) => faults))).toBeGreaterThan(20)
  }, 300_000)
})

import { expect, it } from 'vitest'
import { describeS3 } from '../servers/aws-for-tests.ts'
import { stateCampaign } from './s3-crash/state-campaign.ts'

describeS3('state in S3 in crashes', (s3) => {
  it('is what was published, in 3 kills, with requests that fail, each start on another machine', async () => {
    const told: string[] = []
    const { kills, faults, checkpoints, failure } = await stateCampaign({
      endpoint: s3.endpoint,
      kills: 3,
      seed: 198,
      rows: 2_000,
      tell: (line) => void told.push(line),
    })
    expect([failure, ...told]).toEqual([undefined, ...told])
    expect(kills).toBe(3)
    expect(checkpoints).toBeGreaterThan(1)
    expect(faults).toBeGreaterThan(10)
  }, 300_000)
})

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { describeS3 } from '../servers/aws-for-tests.ts'

const demo = fileURLToPath(new URL('../../examples/demo-aws.ts', import.meta.url))

describeS3('npm run demo:aws', () => {
  it(
    'kills the job, goes on elsewhere with the state in S3, and finds the same alerts',
    { timeout: 300_000 },
    async () => {
      const args = ['-C', '@millrace/source', demo]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      expect(stdout).toMatch(/killed with SIGKILL\n.*alerts are in S3/)
      expect(stdout).toMatch(/resumed from checkpoint \d+\n/)
      expect(stdout).toContain('931 alerts in s3://')
      expect(stdout).toContain('EQUAL: no alert lost, none doubled')
      expect(stdout).toMatch(/Firehose, .*: 0 lost, \d+ told twice/)
    },
  )
})

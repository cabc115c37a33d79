import { describe, expect, it } from 'vitest'
import { RestartableError, StreamError } from '../../../runtime/errors.ts'
import { FailureJudge } from '../../../runtime/job/failure-judge.ts'

const failed = (record = '1') =>
  new RestartableError('MR_FUNCTION_FAILED', 'It threw.', { operator: 'count', record })

describe('failure judge', () => {
  it('does not restart mistakes of the user (R38)', () => {
    const mistake = new StreamError('MR_BAD_RECORD', 'A bad record.')
    expect(new FailureJudge().judge(mistake, 'source')).toEqual({ restart: false, error: mistake })
  })

  it('ends at the third same failure at one operator, naming checkpoint, record and way out (R38)', () => {
    const judge = new FailureJudge()
    expect(judge.judge(failed(), 'count', 7).restart).toBe(true)
    expect(judge.judge(failed(), 'count', 7).restart).toBe(true)
    const { restart, error } = judge.judge(failed('42'), 'count', 7)
    expect(restart).toBe(false)
    expect(error).toMatchObject({
      code: 'MR_REPEATED_FAILURE',
      cause: { code: 'MR_FUNCTION_FAILED' },
    })
    expect(error).not.toBeInstanceOf(RestartableError)
    expect(error.message).toContain('Operator "count" failed 3 times')
    expect(error.message).toContain('record 42')
    expect(error.message).toContain('after checkpoint 7')
    expect(error.message).toContain('run the same command')
  })

  it('counts anew after a completed checkpoint (R38)', () => {
    const judge = new FailureJudge()
    for (let round = 0; round < 5; round++) {
      expect(judge.judge(failed(), 'count').restart).toBe(true)
      expect(judge.judge(failed(), 'count').restart).toBe(true)
      judge.checkpointCompleted()
    }
  })

  it('counts by code and by operator, also when failures alternate (R38)', () => {
    const judge = new FailureJudge()
    const lost = new RestartableError('MR_WORKER_EXITED', 'Gone.')
    for (let round = 0; round < 2; round++) {
      expect(judge.judge(failed(), 'a').restart).toBe(true)
      expect(judge.judge(failed(), 'b').restart).toBe(true)
      expect(judge.judge(lost, undefined).restart).toBe(true)
      expect(judge.judge(new TypeError('x'), 'a').restart).toBe(true)
    }
    expect(judge.judge(lost, undefined).restart).toBe(false)
    expect(judge.judge(failed(), 'b').restart).toBe(false)
  })
})

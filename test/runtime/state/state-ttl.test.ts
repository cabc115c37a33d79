import { describe, expect, it } from 'vitest'
import { resolveTtl, ttlProblem } from '../../../runtime/state/state-ttl.ts'

describe('a time to live', () => {
  it('is one of processing time, renewed by writes, that never returns what has expired (semantics 2.17)', () => {
    const expected = {
      durationMs: 604_800_000,
      timeDomain: 'processing',
      update: 'onCreateAndWrite',
      visibility: 'neverReturnExpired',
    }
    expect(resolveTtl('7d', 'ttl')).toEqual(expected)
    expect(resolveTtl({ duration: 604_800_000 }, 'ttl')).toEqual(expected)
    const all = {
      timeDomain: 'event',
      update: 'onReadAndWrite',
      visibility: 'returnExpiredIfNotCleanedUp',
    } as const
    expect(resolveTtl({ duration: '1s', ...all }, 'ttl')).toEqual({ durationMs: 1_000, ...all })
  })

  it.each<[unknown, string, RegExp]>([
    ['7w', 'MR_DURATION_INVALID', /^the ttl is "7w" \(string\)/],
    [-1, 'MR_DURATION_INVALID', /^the ttl is -1 /],
    [Number.NaN, 'MR_DURATION_INVALID', /NaN/],
    [Infinity, 'MR_DURATION_INVALID', /Infinity/],
    [true, 'MR_DURATION_INVALID', /true/],
    [null, 'MR_DURATION_INVALID', /null/],
    [{}, 'MR_DURATION_INVALID', /undefined/],
    [0, 'MR_OPTION_INVALID', /^the ttl is 0; nothing would ever be there; give at least 1 ms/],
    ['0.4ms', 'MR_OPTION_INVALID', /0\.4ms/],
    [{ duration: '1s', timeDomain: 'ingestion' }, 'MR_OPTION_INVALID', /'processing' or 'event'/],
    [{ duration: '1s', update: 'onRead' }, 'MR_OPTION_INVALID', /has update onRead \(string\)/],
    [{ duration: '1s', visibility: 1 }, 'MR_OPTION_INVALID', /has visibility 1 \(number\)/],
    [{ duration: '1s', updateType: 'x' }, 'MR_OPTION_INVALID', /has the option "updateType"/],
  ])('%j is refused', (given, code, message) => {
    const problem = ttlProblem(given, 'the ttl')
    expect(problem).toEqual({ code, message: expect.stringMatching(message) })
    expect(() => resolveTtl(given as never, 'the ttl')).toThrow(expect.objectContaining({ code }))
  })
})

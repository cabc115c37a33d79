import { describe, expect, test } from 'vitest'
import { collectionSource, job, param, printSink, type StreamEnvironment } from 'millrace'
import { JOB_BRAND, JOB_VERSION } from '../../runtime/job/job-module.ts'

const SHAPE = { parallelism: 2, maxParallelism: 128 }

function minimal(env: StreamEnvironment): void {
  env.fromSource(collectionSource([1]), { uid: 'in' }).sinkTo(printSink(), { uid: 'out' })
}

describe('job', () => {
  test('is recognised by a versioned brand, and does not call its function by itself (N7)', () => {
    let calls = 0
    const declared = job('orders', { params: { rate: param.number(3) } }, (env, { rate }) => {
      calls += rate
      minimal(env)
    })
    expect((declared as unknown as Record<symbol, unknown>)[JOB_BRAND]).toBe(JOB_VERSION)
    expect(declared.name).toBe('orders')
    expect(declared.parameters.map((one) => one.name)).toEqual(['rate'])
    expect(declared.parseParams({ rate: '4' })).toEqual({ rate: 4 })
    expect(calls).toBe(0)
    declared.build({ rate: 4 }, SHAPE)
    expect(calls).toBe(4)
  })

  test('builds the graph and its plan from parameters, the same each time (N4, R5)', () => {
    const declared = job(
      'orders',
      { params: { uid: param.string('in'), token: param.secret() }, restart: { type: 'none' } },
      (env, { uid, token }) => {
        env.fromSource(collectionSource([token]), { uid }).sinkTo(printSink(), { uid: 'out' })
      },
    )
    const params = declared.parseParams({ uid: 'input', token: 'hush' })
    const { graph, plan } = declared.build(params, SHAPE)
    expect(graph.nodes.map((node) => node.name)).toEqual(['input', 'out'])
    expect(plan).toMatchObject({ job: 'orders', ...SHAPE, restart: { type: 'none' } })
    expect(plan.params).toEqual({ uid: 'input' })
    expect(JSON.stringify(plan)).not.toContain('hush')
    expect(declared.build(params, SHAPE).plan.structuralHash).toBe(plan.structuralHash)
    const other = declared.parseParams({ uid: 'other', token: 'hush' })
    expect(declared.build(other, SHAPE).plan.structuralHash).not.toBe(plan.structuralHash)
  })

  test('two secrets give the same plan and hash: they are not to be found out from it (N4)', () => {
    const declared = job('orders', { params: { token: param.secret() } }, minimal)
    const hashes = ['a', 'b'].map((token) => declared.build({ token }, SHAPE).plan.structuralHash)
    expect(hashes[0]).toBe(hashes[1])
  })

  test('checks parameters before it calls its function', () => {
    const declared = job('orders', { params: { rate: param.number() } }, () => {
      throw new Error('not reached')
    })
    expect(() => declared.build({}, SHAPE)).toThrow(
      expect.objectContaining({ code: 'MR_PARAMETER_INVALID' }),
    )
  })

  test('checks the graph: all problems at once', () => {
    const declared = job('orders', {}, (env) => {
      const numbers = env.fromSource(collectionSource([1]), { uid: 'a' })
      numbers.sinkTo(printSink(), { uid: 'A' })
      numbers.sinkTo(printSink(), {} as never)
      numbers.map((n) => n, { parallelism: 0 })
    })
    expect(() => declared.build({}, SHAPE)).toThrow(/3 problems: .*map#1.*print#2.*"a"/)
  })

  test('refuses an asynchronous function (R15)', () => {
    const declared = job('orders', {}, (async (env: StreamEnvironment) => minimal(env)) as never)
    expect(() => declared.build({}, SHAPE)).toThrow(
      expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }),
    )
  })

  test('streams cannot be extended after the function has returned', () => {
    let kept: StreamEnvironment | undefined
    const declared = job('orders', {}, (env) => {
      kept = env
      minimal(env)
    })
    declared.build({}, SHAPE)
    expect(() => minimal(kept!)).toThrow(expect.objectContaining({ code: 'MR_GRAPH_INVALID' }))
  })

  test('parameters cannot be changed', () => {
    const declared = job('orders', { params: { rate: param.number(1) } }, (env, params) => {
      minimal(env)
      ;(params as { rate: number }).rate = 2
    })
    expect(() => declared.build({}, SHAPE)).toThrow(TypeError)
  })

  test('what the function throws comes out as it is, for whoever loads the job', () => {
    const declared = job('orders', {}, () => {
      throw new RangeError('mine')
    })
    expect(() => declared.build({}, SHAPE)).toThrow(RangeError)
  })
})

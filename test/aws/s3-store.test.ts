import { expect, it } from 'vitest'
import { WriteConflict } from '../../runtime/object-store.ts'
import { objectStoreContract } from '../contract/object-store.ts'
import { describeS3 } from '../servers/aws-for-tests.ts'
import { FaultProxy, s3Failure } from '../servers/fault-proxy.ts'

describeS3('S3Store', (s3) => {
  objectStoreContract({
    name: 'moto',
    create: async () => s3.store(await s3.createBucket()),
    // It answers with a page of HTML and 500.
    tellsAborted: false,
  })

  it('tries again while the service fails, throttles, or loses requests and answers', async () => {
    const bucket = await s3.createBucket()
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: ({ nth, operation }) => {
        if (operation !== 'PutObject' && operation !== 'GetObject') return undefined
        if (nth === 0) return { answer: s3Failure('InternalError', 500) }
        if (nth === 1) return { answer: s3Failure('SlowDown', 503) }
        if (nth === 2) return { loses: 'request' }
        return nth === 3 ? { loses: 'answer' } : undefined
      },
    })
    const store = s3.store(bucket, proxy.endpoint)
    await store.put('k', Buffer.from('v'))
    expect(Buffer.from((await store.get('k'))!.body).toString()).toBe('v')
    expect(Object.fromEntries(proxy.counts)).toEqual({ PutObject: 5, GetObject: 5 })
    await proxy.stop()
  })

  it('knows its own object from that of another when the answer to a conditional write is lost', async () => {
    const bucket = await s3.createBucket()
    const proxy = await FaultProxy.start(s3.endpoint, {
      plan: ({ operation, nth }) =>
        operation === 'PutObject' && nth % 2 === 0 ? { loses: 'answer' } : undefined,
    })
    const store = s3.store(bucket, proxy.endpoint)
    const condition = { ifAbsent: true } as const
    await store.put('k', Buffer.from('mine'), { condition })
    const other = store.put('k', Buffer.from('other'), { condition })
    await expect(other).rejects.toThrow(WriteConflict)
    expect(proxy.counts.get('PutObject')).toBe(4)
    await proxy.stop()
  })

  it('says what is wrong, and what to do', async () => {
    const missing = s3.store('no-such-bucket-of-ours')
    await expect(missing.put('k', Buffer.from('v'))).rejects.toMatchObject({
      code: 'MR_AWS_MISSING',
      message: expect.stringContaining('s3://no-such-bucket-of-ours/k') as string,
    })
    const answers: [string, number, string][] = [
      ['AccessDenied', 403, 'MR_AWS_REFUSED'],
      ['ExpiredToken', 400, 'MR_AWS_REFUSED'],
      ['RequestTimeTooSkewed', 403, 'MR_AWS_CLOCK'],
      ['AuthorizationHeaderMalformed', 400, 'MR_AWS_REGION'],
      ['PermanentRedirect', 301, 'MR_AWS_REGION'],
      ['MalformedXML', 400, 'MR_AWS_FAILED'],
    ]
    for (const [name, status, code] of answers) {
      const proxy = await FaultProxy.start(s3.endpoint, {
        plan: () => ({ answer: s3Failure(name, status) }),
      })
      const store = s3.store('some-bucket', proxy.endpoint)
      await expect(store.put('k', Buffer.from('v'))).rejects.toMatchObject({ code })
      await proxy.stop()
    }
  })
})

import { startFauxqs } from 'fauxqs'
import { expect, it } from 'vitest'
import { checkConditions } from '../../runtime/job/store-conditions.ts'
import { checkpointStorageContract } from '../contract/checkpoint-storage.ts'
import { jobPlace, objectStorageUnderTest } from '../harness/object-storage.ts'
import { describeS3, TestS3 } from '../servers/aws-for-tests.ts'

describeS3('checkpoints in S3', (s3) => {
  checkpointStorageContract({
    name: 'moto',
    few: true,
    faults: false,
    pins: false,
    create: async () => objectStorageUnderTest(s3.store(await s3.createBucket())),
  })

  it('long files go up in parts, and are there when they are finished', async () => {
    const { open } = await objectStorageUnderTest(s3.store(await s3.createBucket()))
    const storage = open()
    const writer = await storage.create(await storage.reserveId(0), 'counts-0-1')
    const chunk = new Uint8Array(3 * 1_024 * 1_024)
    for (let n = 0; n < 7; n++) await writer.write(chunk.fill(n))
    expect(await storage.stat(writer.name)).toBeUndefined()
    const file = await writer.finish()
    expect(file.bytes).toBe(7 * chunk.length)
    expect(await storage.stat(writer.name)).toEqual(file)
    const around = await storage.read(writer.name, 5 * chunk.length - 2, 4)
    expect([...around]).toEqual([4, 4, 5, 5])
  })

  it('the store looks at conditions', async () => {
    const store = s3.store(await s3.createBucket())
    await checkConditions(jobPlace(store), 'probe')
    expect(await store.head('fraud/probe')).toBeUndefined()
  })
})

it('a stand-in that writes whatever the condition says is refused', async () => {
  const server = await startFauxqs({ port: 0, logger: false })
  server.createBucket('careless')
  const s3 = new TestS3(`http://127.0.0.1:${server.port}`)
  const checked = checkConditions(jobPlace(s3.store('careless')), 'probe')
  await expect(checked).rejects.toMatchObject({ code: 'MR_AWS_CONDITIONS' })
  s3.close()
  await server.stop()
})

import { checkpointStorageContract } from '../../contract/checkpoint-storage.ts'
import { MemoryObjectStore } from '../../harness/memory-object-store.ts'
import { objectStorageUnderTest } from '../../harness/object-storage.ts'

checkpointStorageContract({
  name: 'objects',
  pins: false,
  create: () => objectStorageUnderTest(new MemoryObjectStore()),
})

checkpointStorageContract({
  name: 'objects in parts',
  few: true,
  pins: false,
  create: () => objectStorageUnderTest(new MemoryObjectStore(), { partBytes: 16 }),
})

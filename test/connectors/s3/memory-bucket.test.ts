import { objectStoreContract } from '../../contract/object-store.ts'
import { MemoryBucket } from './memory-bucket.ts'

objectStoreContract({ name: 'memory', create: async () => new MemoryBucket().store() })

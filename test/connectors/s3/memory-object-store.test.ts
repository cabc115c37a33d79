import { objectStoreContract } from '../../contract/object-store.ts'
import { MemoryBucket } from './memory-object-store.ts'

objectStoreContract({ name: 'memory', create: async () => new MemoryBucket().store() })

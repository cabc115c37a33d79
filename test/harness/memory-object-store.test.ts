import { objectStoreContract } from '../contract/object-store.ts'
import { MemoryObjectStore } from './memory-object-store.ts'

objectStoreContract({ name: 'memory', create: async () => new MemoryObjectStore() })

import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import { stateBackendContract } from '../../contract/state-backend.ts'

stateBackendContract({
  name: 'memory backend',
  create: (context) => new MemoryBackend(context),
  context: () => ({}),
  runs: 200,
})

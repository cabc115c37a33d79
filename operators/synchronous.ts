export { isThenable, refusePromise } from '../runtime/synchronous.ts'

/** Measures one mechanism in a process of its own: what others have taught the compiler does not count. */
import { RIGS } from './rigs.ts'

const [name, rounds] = process.argv.slice(2) as [string, string]
console.log(JSON.stringify(await RIGS[name]!(Number(rounds))))
process.exit(0)

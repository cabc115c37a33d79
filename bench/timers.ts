import { parseArgs } from 'node:util'
import { child } from './fraud.ts'
import { inFolder } from './temporary-folder.ts'

export const timersHelp = `timers [--timers 10000000] [--cache 96] [--heap 256]
  So many timers in one subtask whose state may take --cache MB, under a heap of --heap MB: registered in no order, then fired in
  that of time, with a checkpoint after another. Exit 1 if the heap does not do, or a timer is lost.`

export async function timersBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      timers: { type: 'string', default: '10000000' },
      cache: { type: 'string', default: '96' },
      heap: { type: 'string', default: '256' },
    },
  })
  const figures = await inFolder((folder) =>
    child<{ timers: number; fired: number }>(
      'timers-run.ts',
      [folder, values.timers, values.cache],
      [`--max-old-space-size=${values.heap}`],
    ),
  )
  if (figures.fired !== figures.timers) process.exitCode = 1
  console.log(
    JSON.stringify({
      bench: 'timers',
      cacheMb: Number(values.cache),
      heapMb: Number(values.heap),
      ...figures,
    }),
  )
}

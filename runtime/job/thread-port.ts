import type { MessagePort } from 'node:worker_threads'
import type { Port } from '../channel/port.ts'

/** A `Port` over a `MessagePort`; messages wait until a receiver is set. */
export function threadPort<Out, In>(port: MessagePort): Port<Out, In> {
  return {
    post(message, transfer) {
      port.postMessage(message, transfer as ArrayBuffer[] | undefined)
    },
    onMessage(receive) {
      // Adding the listener starts the port: nothing that came before is lost.
      port.on('message', receive)
    },
    close() {
      port.close()
    },
  }
}

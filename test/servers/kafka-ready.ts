import { connect } from 'node:net'

const METADATA = 3

/** How long one request may take before another one is sent. */
const REQUEST_TIMEOUT_MS = 2_000

/**
 * Whether a broker answers a request for metadata with itself as a broker and a controller.
 *
 * An open port says little: the port is open before the broker takes part, and requests wait until then.
 */
export async function isKafkaReady(host: string, port: number): Promise<boolean> {
  const answer = await ask(host, port, metadataRequest())
  return answer !== undefined && hasBrokerAndController(answer)
}

/**
 * Version 1 with an empty list of topics:
 *
 *     length 4 │ key 2 │ version 2 │ correlation 4 │ client id −1 2 │ topics 4
 */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(18)
  request.writeInt32BE(14, 0)
  request.writeInt16BE(METADATA, 4)
  request.writeInt16BE(1, 6)
  request.writeInt16BE(-1, 12)
  return request
}

/** What of the answer matters: `correlation 4 │ brokers 4 │ (id 4 │ host │ port 4 │ rack) … │ controller 4`. */
function hasBrokerAndController(answer: Buffer): boolean {
  const brokers = answer.readInt32BE(4)
  let at = 8
  const skipText = (): void => {
    at += 2 + Math.max(0, answer.readInt16BE(at))
  }
  for (let broker = 0; broker < brokers; broker++) {
    at += 4
    skipText()
    at += 4
    skipText()
  }
  return brokers > 0 && answer.readInt32BE(at) >= 0
}

/** The answer without its length, or undefined when none came. */
function ask(host: string, port: number, request: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: REQUEST_TIMEOUT_MS }, () => socket.write(request))
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        resolve(received.subarray(4))
        socket.destroy()
      }
    })
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(undefined))
  })
}

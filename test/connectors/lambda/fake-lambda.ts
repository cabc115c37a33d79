import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LambdaCall } from '../../../connectors/lambda/lambda-answer.ts'

/** What the service answers to a call. */
export interface FakeLambdaAnswer {
  readonly status?: number
  /** Of errors of the service: their name. */
  readonly type?: string
  /** The function threw. */
  readonly isFunctionError?: boolean
  readonly body: unknown
}

/** Lambda over HTTP, with a function that is part of the test. */
export class FakeLambda {
  readonly endpoint: string
  readonly calls: LambdaCall[] = []
  readonly paths: string[] = []
  inFlight = 0
  mostInFlight = 0
  /** Decides about each call. */
  plan: (
    call: LambdaCall,
    nth: number,
  ) => FakeLambdaAnswer | undefined | Promise<FakeLambdaAnswer | undefined> = () => undefined
  /** What the function makes of the text of a record; null drops it. */
  transform: (text: string) => string | null = (text) => text
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(): Promise<FakeLambda> {
    let fake: FakeLambda | undefined
    const server = createServer(async (incoming, outgoing) => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const call = JSON.parse(Buffer.concat(chunks).toString()) as LambdaCall
      fake!.paths.push(incoming.url!)
      const { status = 200, type, isFunctionError, body } = await fake!.#answer(call)
      outgoing.writeHead(status, {
        'content-type': 'application/json',
        ...(type === undefined ? {} : { 'x-amzn-errortype': type }),
        ...(isFunctionError === true ? { 'x-amz-function-error': 'Unhandled' } : {}),
      })
      outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    fake = new FakeLambda(server)
    return fake
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(call: LambdaCall): Promise<FakeLambdaAnswer> {
    const nth = this.calls.push(call) - 1
    this.inFlight++
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    try {
      return (await this.plan(call, nth)) ?? { body: { records: call.records.map(this.#one) } }
    } finally {
      this.inFlight--
    }
  }

  readonly #one = ({ recordId, data }: LambdaCall['records'][number]): object => {
    const text = this.transform(Buffer.from(data, 'base64').toString())
    if (text === null) return { recordId, result: 'Dropped', data }
    return { recordId, result: 'Ok', data: Buffer.from(text).toString('base64') }
  }
}

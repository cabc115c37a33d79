/**
 * What a start went by is out of date: another run has changed the state of the job before this one has taken it over. Nothing was
 * done; the start is to be checked again.
 */
export class HeadMoved extends Error {
  /** Nothing had been found that would refuse the start. */
  readonly wasReady: boolean

  constructor(wasReady: boolean, cause?: unknown) {
    super('another run has changed the state of the job meanwhile', { cause })
    this.name = 'HeadMoved'
    this.wasReady = wasReady
  }
}

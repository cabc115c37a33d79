/** The name of a stream: what stands in its ARN, or the name as it is. */
export function streamName(stream: string): string {
  return stream.startsWith('arn:') ? stream.slice(stream.lastIndexOf('/') + 1) : stream
}

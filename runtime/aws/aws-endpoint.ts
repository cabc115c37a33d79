/**
 * The address of a service: what was given, or else what the SDK would read from the environment (`AWS_ENDPOINT_URL_KINESIS`,
 * `AWS_ENDPOINT_URL`); undefined for that of AWS. Read here since more than the address depends on it: with one the bucket
 * stands in the path.
 */
export function endpointOf(
  service: string,
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (given !== undefined) return given
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return undefined
  const found = env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? env['AWS_ENDPOINT_URL']
  return found === '' ? undefined : found
}

/** CPU time of the process so far in ns: on a machine with other work it says more than time that passes. */
export function cpuNs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1_000
}

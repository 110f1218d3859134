/** User and system time of this process, in microseconds. */
export function cpuTimeUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

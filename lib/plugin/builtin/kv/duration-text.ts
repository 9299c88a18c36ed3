/** Whole seconds as the servers write a duration: `1h30m0s`, `45s`, `0s`, `-1s`. */
export function durationText(seconds: number): string {
  const size = Math.abs(seconds)
  const hours = Math.floor(size / 3600)
  const minutes = Math.floor(size / 60) % 60
  const parts = [hours > 0 ? `${hours}h` : '', size >= 60 ? `${minutes}m` : '', `${size % 60}s`]
  return (seconds < 0 ? '-' : '') + parts.join('')
}

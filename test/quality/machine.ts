import { cpus, loadavg } from 'node:os'

/** Where a measurement was made; `load` is the mean number of busy processes over the last minute, before it began. */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  node: process.version,
})

export const machineText = ({ cpu, cores, load, node }: ReturnType<typeof machine>): string =>
  `${cpu}, ${cores} cores, load ${load}, Node ${node}`

import { existsSync, statfsSync } from 'node:fs'
import { cpus, freemem, loadavg, totalmem } from 'node:os'

/** What is free of a disk, and all of it, in any unit. */
interface Room {
  readonly free: number
  readonly total: number
}

export interface HostReadings {
  /** Since the machine began. */
  readonly cpu: { readonly idle: number; readonly total: number }
  readonly cores: number
  readonly load: number
  readonly memory: Room
  readonly disk: Room | undefined
  readonly hasGpus: boolean
}

/** Reads the machine; `folder` lies on the disk that is meant. */
export function readHost(folder: string): HostReadings {
  const all = cpus().map(({ times }) => times)
  const idle = all.reduce((sum, { idle }) => sum + idle, 0)
  const total = all.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0)
  return {
    cpu: { idle, total },
    cores: all.length,
    load: loadavg()[0] ?? 0,
    memory: { free: freemem(), total: totalmem() },
    disk: readDisk(folder),
    hasGpus: existsSync('/proc/driver/nvidia/gpus') || existsSync('/dev/kfd'),
  }
}

function readDisk(folder: string): Room | undefined {
  try {
    const { bavail, blocks } = statfsSync(folder)
    return { free: bavail, total: blocks }
  } catch {
    return undefined
  }
}

/**
 * How busy the machine is, in percent of it: `cpus` since it was last asked, `mem`, `disk`, `load` of one minute by core, and `gpus`,
 * which are 0 where there are none and left out where they can not be asked.
 */
export class HostUsage {
  readonly #read: () => HostReadings
  #cpu: HostReadings['cpu']
  #busy = 0

  constructor(read: () => HostReadings) {
    this.#read = read
    this.#cpu = read().cpu
  }

  /** `prefix` as in `master/` or `slave/`. */
  metrics(prefix: string): Record<string, number> {
    const { cpu, cores, load, memory, disk, hasGpus } = this.#read()
    const passed = cpu.total - this.#cpu.total
    if (passed > 0) {
      this.#busy = 1 - (cpu.idle - this.#cpu.idle) / passed
      this.#cpu = cpu
    }
    return {
      [`${prefix}cpus_utilization`]: percent(this.#busy),
      [`${prefix}mem_utilization`]: percent(1 - memory.free / memory.total),
      [`${prefix}load_utilization`]: percent(load / Math.max(1, cores)),
      ...(disk ? { [`${prefix}disk_utilization`]: percent(1 - disk.free / Math.max(1, disk.total)) } : {}),
      ...(hasGpus ? {} : { [`${prefix}gpus_utilization`]: 0 }),
    }
  }
}

const percent = (share: number): number => 100 * Math.min(1, Math.max(0, share))

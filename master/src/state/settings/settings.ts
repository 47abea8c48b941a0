import type { Cluster } from '../cluster.ts'
import type { Settings } from '../commands.ts'
import { maintenanceWritten } from '../maintenance/maintenance.ts'
import { quotasWritten } from './quota.ts'
import { weightsWritten } from './weights.ts'

/** One record of the Store takes each setting whole, and takes 512 KiB; larger ones would end every master that leads. */
const maxBytes = 384 * 1024

/** One of the settings with the value it is to have. */
export type SettingChange = {
  [Name in keyof Settings]: { readonly setting: Name; readonly value: Settings[Name] }
}[keyof Settings]

/**
 * Makes a setting durable as a whole; then it counts, and `request` is answered. `roles`: those that the call named. Calls that come
 * meanwhile build on `planned`.
 */
export function writeSetting(
  cluster: Cluster,
  change: SettingChange,
  request: number,
  roles: readonly string[] = [],
): void {
  const bytes = Buffer.byteLength(JSON.stringify(change.value))
  if (bytes > maxBytes) {
    const message = `All ${change.setting} together would take ${bytes} bytes, and the registry keeps at most ${maxBytes}`
    cluster.reply(request, 400, message)
    return
  }
  cluster.planned = { ...cluster.planned, [change.setting]: change.value }
  cluster.persist(change, { type: 'SETTING', change, request, roles })
}

/** The registry has the setting: now it counts. */
export function settingWritten(
  cluster: Cluster,
  change: SettingChange,
  request: number,
  roles: readonly string[],
): void {
  cluster.settings = { ...cluster.settings, [change.setting]: change.value }
  cluster.change({ type: 'SETTINGS', settings: cluster.settings })
  cluster.note({ code: 'SETTING_CHANGED', detail: change.setting })
  if (change.setting === 'weights') weightsWritten(cluster, roles)
  if (change.setting === 'quotas') quotasWritten(cluster, roles)
  if (change.setting === 'maintenance') maintenanceWritten(cluster)
  cluster.reply(request, 200)
}

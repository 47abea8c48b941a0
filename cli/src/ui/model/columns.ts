/** The tables, and the kind of object that each shows. */
export const kindOf = {
  apps: 'app',
  tasks: 'task',
  agents: 'agent',
  frameworks: 'framework',
  deployments: 'deployment',
  vips: 'vip',
  catalog: 'package',
  packages: 'installed',
} as const

export type Table = keyof typeof kindOf

export interface Column {
  readonly name: string
  /** Cells at least; a column that grows takes its share of what is left. */
  readonly size: number
  readonly grow?: number
  readonly right?: boolean
  /** What does not fit is left out of the middle: ids differ at their ends. */
  readonly middle?: boolean
  /** Where there is no room, the highest goes first; a column without it stays. */
  readonly drop?: number
}

export const columnsOf: Readonly<Record<Table, readonly Column[]>> = {
  apps: [
    { name: 'name', size: 16, grow: 3 },
    { name: 'status', size: 9 },
    { name: 'inst', size: 5, right: true },
    { name: 'health', size: 6, right: true, drop: 4 },
    { name: 'cpu', size: 4, right: true, drop: 5 },
    { name: 'mem', size: 6, right: true, drop: 6 },
    { name: 'age', size: 4, right: true, drop: 3 },
    { name: 'why', size: 22, grow: 8, drop: 2 },
  ],
  tasks: [
    { name: 'name', size: 16, grow: 3 },
    { name: 'state', size: 9 },
    { name: 'health', size: 6, drop: 4 },
    { name: 'node', size: 10, grow: 1, drop: 3 },
    { name: 'age', size: 4, right: true, drop: 2 },
    { name: 'task', size: 16, grow: 3, drop: 5, middle: true },
    { name: 'message', size: 12, grow: 3, drop: 6 },
  ],
  agents: [
    { name: 'node', size: 14, grow: 1 },
    { name: 'status', size: 12 },
    { name: 'tasks', size: 5, right: true },
    { name: 'cpu', size: 11, right: true, drop: 2 },
    { name: 'mem', size: 15, right: true, drop: 3 },
    { name: 'disk', size: 15, right: true, drop: 4 },
    { name: 'gpu', size: 5, right: true, drop: 6 },
    { name: 'id', size: 20, grow: 1, drop: 5, middle: true },
  ],
  frameworks: [
    { name: 'name', size: 14, grow: 1 },
    { name: 'status', size: 9 },
    { name: 'tasks', size: 5, right: true },
    { name: 'cpu', size: 6, right: true, drop: 2 },
    { name: 'mem', size: 8, right: true, drop: 3 },
    { name: 'roles', size: 10, drop: 4 },
    { name: 'id', size: 20, grow: 2, drop: 5, middle: true },
  ],
  deployments: [
    { name: 'affects', size: 16, grow: 2 },
    { name: 'step', size: 5, right: true },
    { name: 'age', size: 4, right: true, drop: 3 },
    { name: 'now', size: 18, grow: 3, drop: 1 },
    { name: 'id', size: 12, grow: 1, drop: 4, middle: true },
  ],
  vips: [
    { name: 'name', size: 20, grow: 3 },
    { name: 'address', size: 15, drop: 3 },
    { name: 'port', size: 5, right: true },
    { name: 'proto', size: 5, drop: 4 },
    { name: 'backends', size: 8, right: true },
    { name: 'conns', size: 5, right: true, drop: 5 },
    { name: 'note', size: 12, grow: 2, drop: 2 },
  ],
  catalog: [
    { name: 'package', size: 14, grow: 1 },
    { name: 'version', size: 9, drop: 3 },
    { name: 'installed', size: 9, right: true, drop: 4 },
    { name: 'description', size: 14, grow: 4 },
  ],
  packages: [
    { name: 'app', size: 16, grow: 2 },
    { name: 'package', size: 12, grow: 1, drop: 1 },
    { name: 'version', size: 12, drop: 3 },
    { name: 'status', size: 9 },
    { name: 'inst', size: 5, right: true, drop: 4 },
    { name: 'why', size: 10, grow: 2, drop: 2 },
  ],
}

/** On the overview what is wrong stands above the apps, so that there is room for their resources. */
export const overviewColumns: readonly Column[] = columnsOf.apps.map(column =>
  column.name === 'why' ? { ...column, size: 36, drop: 9 } : column,
)

/** What a filter may name beside the columns. */
export const extraFields: Readonly<Partial<Record<Table, readonly string[]>>> = {
  apps: ['label', 'image'],
  tasks: ['app', 'framework', 'role'],
  catalog: ['tag'],
}

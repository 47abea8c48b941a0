// The metrics of /metrics/snapshot in the text format of Prometheus: names of the contract become names of series, and what is in
// the midst of them (frameworks, roles) becomes labels.

interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

type Rule = readonly [pattern: RegExp, series: (...parts: string[]) => Series]

const rules: readonly Rule[] = [
  [
    /^frameworks\/([^/]+)\/([^/]+)\/roles\/(.+)\/suppressed$/,
    (name = '', id = '', role = '') => ({
      name: 'framework_role_suppressed',
      labels: { framework_name: decodeURIComponent(name), framework_id: id, role },
    }),
  ],
  [
    /^frameworks\/([^/]+)\/([^/]+)\/(.+)$/,
    (name = '', id = '', rest = '') => ({
      name: `framework_${rest}`,
      labels: { framework_name: decodeURIComponent(name), framework_id: id },
    }),
  ],
  [
    /^frameworks\/([^/]+)\/(messages_\w+)$/,
    (principal = '', rest = '') => ({
      name: `principal_${rest}`,
      labels: { principal: decodeURIComponent(principal) },
    }),
  ],
  [
    /^allocator\/mesos\/quota\/roles\/(.+)\/resources\/([^/]+)\/(\w+)$/,
    (role = '', resource = '', rest = '') => ({ name: `allocator_quota_${rest}`, labels: { role, resource } }),
  ],
  [
    /^allocator\/mesos\/offer_filters\/roles\/(.+)\/active$/,
    (role = '') => ({ name: 'allocator_offer_filters_active', labels: { role } }),
  ],
  [
    /^allocator\/mesos\/roles\/(.+)\/shares\/dominant$/,
    (role = '') => ({ name: 'allocator_role_dominant_share', labels: { role } }),
  ],
  [
    /^master\/task_([a-z_]+)\/source_(\w+)\/reason_(\w+)$/,
    (state = '', source = '', reason = '') => ({ name: 'master_tasks_ended_total', labels: { state, source, reason } }),
  ],
]

/** Ends with a line end unless there is nothing. */
export function prometheusText(metrics: Readonly<Record<string, number>>): string {
  const families = new Map<string, string[]>()
  for (const [metric, value] of Object.entries(metrics)) {
    const { name, labels } = seriesOf(metric)
    const family = `meseta_${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`
    const shown = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    const lines = families.get(family) ?? []
    lines.push(`${family}${shown.length > 0 ? `{${shown.join(',')}}` : ''} ${value}\n`)
    families.set(family, lines)
  }
  return [...families].map(([family, lines]) => `# TYPE ${family} untyped\n${lines.join('')}`).join('')
}

function seriesOf(metric: string): Series {
  for (const [pattern, series] of rules) {
    const match = pattern.exec(metric)
    if (match) return series(...match.slice(1))
  }
  return { name: metric, labels: {} }
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

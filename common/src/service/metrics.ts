import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  type Metric,
  Registry,
} from 'prom-client'

/**
 * A registry of its own, as each component has. `process: true` adds the process's memory, CPU, event loop and GC: for the one
 * registry of a process that has only one component.
 */
export function createRegistry(options: { readonly process?: boolean } = {}): Registry {
  const registry = new Registry()
  if (options.process) collectDefaultMetrics({ register: registry })
  return registry
}

/** The counter of this name in the registry, made when it is not there yet. Names begin with `meseta_` and end in `_total`. */
export const counter = <Label extends string>(registry: Registry, config: CounterConfiguration<Label>) =>
  once(registry, config.name, () => new Counter<Label>({ ...config, registers: [registry] }))

/** The gauge of this name, made when it is not there yet. Give it a `collect` where the value is at hand. */
export const gauge = <Label extends string>(registry: Registry, config: GaugeConfiguration<Label>) =>
  once(registry, config.name, () => new Gauge<Label>({ ...config, registers: [registry] }))

/** The histogram of this name, made when it is not there yet. Times are seconds. */
export const histogram = <Label extends string>(registry: Registry, config: HistogramConfiguration<Label>) =>
  once(registry, config.name, () => new Histogram<Label>({ ...config, registers: [registry] }))

function once<Kind extends Metric>(registry: Registry, name: string, make: () => Kind): Kind {
  return (registry.getSingleMetric(name) as Kind | undefined) ?? make()
}

import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import { plural } from '../../model/format.ts'
import { type Columns, columnsOf } from '../../model/history.ts'
import { useStore } from '../context.tsx'

const series = [
  { name: 'CPU', dash: [] },
  { name: 'Memory', dash: [6, 4] },
  { name: 'Disk', dash: [2, 3] },
] as const

const height = 150

/** Distances of two times on the axis, seconds. */
const minutes = [60, 120, 300, 600, 1_800, 3_600]

/** Percent of CPU, memory and disk in use over the last minutes. Each line has a dash pattern of its own beside its colour. */
export function ResourceChart() {
  const columns = columnsOf(useStore('metric').all('metric'))
  const place = useRef<HTMLDivElement>(null)
  const legend = useRef<HTMLUListElement>(null)
  const plot = useRef<uPlot>(undefined)
  const theme = useTheme()

  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot is made anew for another theme; points come below
  useEffect(() => {
    const { current: holder } = place
    if (!holder || !legend.current) return
    const made = new uPlot(optionsOf(holder, legend.current), columns, holder)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height }))
    observer.observe(holder)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [theme])

  useEffect(() => plot.current?.setData(columns))

  return (
    <figure className="chart">
      <ul className="legend" ref={legend}>
        {series.map(({ name, dash }, index) => (
          <li key={name} className={`series-${index + 1}`}>
            <svg viewBox="0 0 24 4" width="24" height="4" aria-hidden="true">
              <path d="M0 2h24" stroke="currentColor" strokeWidth="2" strokeDasharray={dash.join(' ')} />
            </svg>
            <span className="legend-word">
              {name} {latest(columns, index + 1)}
            </span>
          </li>
        ))}
      </ul>
      <div ref={place} role="img" aria-label={descriptionOf(columns)} className="chart-plot" />
    </figure>
  )
}

function optionsOf(holder: HTMLElement, legend: HTMLElement): uPlot.Options {
  const quiet = getComputedStyle(holder)
  const grid = { stroke: quiet.borderColor, width: 1 }
  const axis = { stroke: quiet.color, font: '12px system-ui, sans-serif', grid, ticks: { show: false } }
  return {
    width: Math.max(100, holder.clientWidth),
    height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: [0, 100] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        space: 60,
        incrs: minutes,
        values: (_plot, times) => times.map(time => clock(time)),
      },
      { ...axis, size: 46, splits: [0, 25, 50, 75, 100], values: (_plot, values) => values.map(value => `${value}%`) },
    ],
    series: [
      {},
      ...series.map(({ name, dash }, index) => ({
        label: name,
        stroke: getComputedStyle(legend.children[index]!).color,
        width: 2,
        dash: [...dash],
        points: { show: false },
      })),
    ],
  }
}

const clock = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

const latest = (columns: Columns, index: number): string => {
  const value = columns[index]!.at(-1)
  return value === undefined ? '' : `${Math.round(value)}%`
}

function descriptionOf(columns: Columns): string {
  const [times] = columns
  if (times.length === 0) return 'Resources over time: no point yet'
  const length = Math.max(1, Math.round((times.at(-1)! - times[0]!) / 60))
  const words = series.map(({ name }, index) => `${name} ${latest(columns, index + 1)}`).join(', ')
  return `Resources over the last ${plural(length, 'minute')}; now ${words} used`
}

/** A number that changes with the colours. */
function useTheme(): number {
  const [count, setCount] = useState(0)
  useEffect(() => {
    const changed = () => setCount(before => before + 1)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', changed)
    addEventListener('themechange', changed)
    return () => {
      dark.removeEventListener('change', changed)
      removeEventListener('themechange', changed)
    }
  }, [])
  return count
}

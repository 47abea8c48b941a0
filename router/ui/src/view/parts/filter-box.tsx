import { type ReactNode, useId } from 'react'
import { count } from '../../model/format.ts'

interface FilterBoxProps {
  readonly value: string
  readonly change: (value: string) => void
  readonly placeholder: string
  readonly shown: number
  readonly total: number
  readonly problems?: readonly string[]
  /** Filters that are one click away: a label and its text. */
  readonly presets?: readonly (readonly [string, string])[]
  /** What else stands in its line, at the end. */
  readonly children?: ReactNode
}

/** The text that narrows a list, how much it leaves, and what of it was not understood. */
export function FilterBox({
  value,
  change,
  placeholder,
  shown,
  total,
  problems = [],
  presets = [],
  children,
}: FilterBoxProps) {
  const id = useId()
  return (
    <div className="filter">
      <input
        type="search"
        aria-label="Filter"
        aria-describedby={id}
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        onChange={event => change(event.target.value)}
      />
      {presets.length > 0 && (
        <div className="presets">
          {presets.map(([label, text]) => (
            <button
              type="button"
              key={label}
              className="preset"
              aria-pressed={value.trim() === text}
              onClick={() => change(text)}
            >
              {label}
            </button>
          ))}
        </div>
      )}
      <span id={id} className="quiet filter-count">
        {shown === total ? count(total) : `${count(shown)} of ${count(total)}`}
      </span>
      {children && <span className="filter-end">{children}</span>}
      {problems.map(problem => (
        <p key={problem} className="filter-problem" role="alert">
          {problem}
        </p>
      ))}
    </div>
  )
}

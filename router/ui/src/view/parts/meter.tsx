import { percent } from '../../model/format.ts'

/** How much of something is used: a bar, and the same in words. */
export function Meter({ label, used, total, format }: MeterProps) {
  const part = percent(used, total)
  return (
    <div className="meter">
      <div className="meter-words">
        <span className="meter-label">{label}</span>
        <span className="meter-numbers">
          {format(used)} <span className="quiet">of {format(total)}</span>
        </span>
      </div>
      <Bar label={`${label} used`} value={part} />
    </div>
  )
}

interface MeterProps {
  readonly label: string
  readonly used: number
  readonly total: number
  readonly format: (value: number) => string
}

/** A bar of 0 to 100 percent. */
export function Bar({ label, value }: { label: string; value: number }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers draw their own element each in its way
    <div
      className="bar"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(value)}
    >
      <div className={value >= 90 ? 'bar-part bar-full' : 'bar-part'} style={{ width: `${value}%` }} />
    </div>
  )
}

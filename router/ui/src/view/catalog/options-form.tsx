import { useId, useState } from 'react'
import { type Edits, type Field, type FieldGroup, isChanged, type Problem, shown } from '../../model/package-form.ts'

interface OptionsFormProps {
  readonly groups: readonly FieldGroup[]
  readonly edits: Edits
  readonly change: (edits: Edits) => void
  readonly problems: readonly Problem[]
}

/** So few fields need no search. */
const fewFields = 8

/** A package's options by section. A field that differs from its default says so, and can be set back. */
export function OptionsForm({ groups, edits, change, problems }: OptionsFormProps) {
  const [search, setSearch] = useState('')
  const [only, setOnly] = useState(false)
  const total = groups.reduce((sum, { fields }) => sum + fields.length, 0)
  if (total === 0) return <p className="quiet">It has no options.</p>
  const wanted = (field: Field) =>
    `${field.name} ${field.label} ${field.description}`.toLowerCase().includes(search.toLowerCase()) &&
    (!only || field.required || isChanged(field, edits))
  return (
    <div className="options">
      {total > fewFields && (
        <div className="filter">
          <input
            type="search"
            aria-label="Find an option"
            placeholder={`find one of ${total} options`}
            value={search}
            onChange={event => setSearch(event.target.value)}
          />
          <label className="check">
            <input type="checkbox" checked={only} onChange={event => setOnly(event.target.checked)} />
            required and changed only
          </label>
        </div>
      )}
      {groups.map(group => {
        const fields = group.fields.filter(wanted)
        if (fields.length === 0) return null
        return (
          <fieldset key={group.name}>
            <legend>{group.name}</legend>
            {group.description && <p className="quiet">{group.description}</p>}
            <div className="option-grid">
              {fields.map(field => (
                <OptionField
                  key={field.name}
                  field={field}
                  edits={edits}
                  change={change}
                  problem={problems.find(({ name }) => name === field.name)?.message}
                />
              ))}
            </div>
          </fieldset>
        )
      })}
    </div>
  )
}

interface OptionFieldProps {
  readonly field: Field
  readonly edits: Edits
  readonly change: (edits: Edits) => void
  readonly problem: string | undefined
}

function OptionField({ field, edits, change, problem }: OptionFieldProps) {
  const id = useId()
  const changed = isChanged(field, edits)
  const reset = () => change(Object.fromEntries(Object.entries(edits).filter(([name]) => name !== field.name)))
  return (
    <div className={changed ? 'option option-changed' : 'option'}>
      <div className="option-head">
        <label htmlFor={id}>
          {field.label}
          {field.required && <span title="required"> *</span>}
        </label>
        {changed && (
          <>
            <span className="chip">changed</span>
            <button type="button" className="plain" onClick={reset} aria-label={`Set ${field.label} back`}>
              back to {field.fallback === undefined ? 'nothing' : JSON.stringify(field.fallback)}
            </button>
          </>
        )}
      </div>
      <OptionInput id={id} field={field} edits={edits} change={change} problem={problem} />
      {field.description && (
        <p id={`${id}-text`} className="quiet option-text">
          {field.description}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="field-problem">
          {problem}
        </p>
      )}
    </div>
  )
}

function OptionInput({ id, field, edits, change, problem }: OptionFieldProps & { readonly id: string }) {
  const value = shown(field, edits)
  const set = (next: string | boolean) => change({ ...edits, [field.name]: next })
  const described = [field.description && `${id}-text`, problem && `${id}-problem`].filter(Boolean).join(' ')
  const common = {
    id,
    'aria-describedby': described || undefined,
    'aria-invalid': problem !== undefined,
    'aria-required': field.required,
  }
  if (field.type === 'boolean')
    return (
      <input
        id={id}
        aria-describedby={described || undefined}
        type="checkbox"
        checked={value === true}
        onChange={event => set(event.target.checked)}
      />
    )
  if (field.type === 'choice')
    return (
      <select {...common} value={String(value)} onChange={event => set(event.target.value)}>
        {value === '' && <option value="">(none)</option>}
        {field.choices.map(choice => (
          <option key={String(choice)} value={String(choice)}>
            {String(choice)}
          </option>
        ))}
      </select>
    )
  if (field.type === 'json')
    return (
      <textarea
        {...common}
        rows={2}
        spellCheck={false}
        value={String(value)}
        onChange={event => set(event.target.value)}
      />
    )
  const numeric = field.type === 'number' || field.type === 'integer'
  return (
    <input
      {...common}
      type="text"
      inputMode={numeric ? 'decimal' : undefined}
      autoComplete="off"
      spellCheck={false}
      value={String(value)}
      onChange={event => set(event.target.value)}
    />
  )
}

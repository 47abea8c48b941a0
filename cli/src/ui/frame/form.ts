import { type Field, kindOf, show } from '../install/fields.ts'
import { current, type Form, isChanged, isMissing, listed, type Section, sections, valueIn } from '../install/form.ts'
import type { Install } from '../state.ts'
import { type Line, line, pad, type Span, span, width, wrap } from '../text.ts'
import { filled, rule, type Screen, scrolledTo } from './screen.ts'

/** The pane of the sections. */
const leftSize = 21
/** Below this width the sections are named above their fields only. */
const paneFrom = 60

/** Sections at the left, fields of the current one at the right, what the field is below. */
export function formLines(install: Install, screen: Screen, space: number): Line[] {
  const { form } = install
  if (install.asking === 'describe') return [line(`   reading the description of ${install.name} ...`, 'dim')]
  if (form.fields.length === 0) return [line(), line('   It has no options. ctrl-n shows the plan.', 'dim')]
  const field = current(form)
  if (!field)
    return [
      line(),
      line(
        `   No option ${form.find === '' ? 'is listed; v lists all' : `matches "${form.find}"; esc clears`}.`,
        'dim',
      ),
    ]
  const all = sections(form)
  const section = all.find(({ name }) => name === field.section)!
  const about = aboutLines(form, field, screen.columns)
  const room = Math.max(2, space - about.length - 1)
  if (screen.columns < paneFrom) {
    const fields = fieldLines(form, section, field, { ...screen }, room, screen.columns)
    return [rule(sectionTitle(section), screen.columns), ...filled(fields, room), ...about]
  }
  const left = filled(sectionLines(all, field.section, screen, room), room)
  const right = filled(fieldLines(form, section, field, screen, room, screen.columns - leftSize - 2), room)
  return [
    [
      { text: '- Sections ', bold: true },
      span(`${'-'.repeat(leftSize - 11)}+${'-'.repeat(Math.max(0, screen.columns - leftSize - 1))}`, 'dim'),
    ],
    ...left.map(
      (part, index): Line => [
        ...part,
        span(' '.repeat(Math.max(0, leftSize - sum(part)))),
        span('| ', 'dim'),
        ...right[index]!,
      ],
    ),
    ...about,
  ]
}

const sum = (parts: Line): number => parts.reduce((total, { text }) => total + width(text), 0)

const sectionTitle = ({ name, fields }: Section): string => `${name} ${fields.length}`

function sectionLines(all: readonly Section[], at: string, screen: Screen, room: number): Line[] {
  const index = all.findIndex(({ name }) => name === at)
  const top = scrolledTo(screen, 'sections', index, room, all.length)
  return all.slice(top, top + room).map(({ name, changed, wrong }): Line => {
    const counts: Span[] = [
      ...(changed > 0 ? [span(` +${changed}`, 'busy')] : []),
      ...(wrong > 0 ? [span(` !${wrong}`, 'bad')] : []),
    ]
    const room = leftSize - 3 - sum(counts)
    const title = { text: `${name === at ? '>' : ' '} ${pad(name, room)}`, bold: name === at }
    return [title, ...counts, span(' ')]
  })
}

function fieldLines(form: Form, section: Section, at: Field, screen: Screen, room: number, columns: number): Line[] {
  const index = section.fields.indexOf(at)
  const top = scrolledTo(screen, `form ${section.name}`, index, room, section.fields.length)
  const widest = Math.max(...section.fields.map(({ label }) => width(label)))
  const label = Math.min(widest, Math.floor(columns * 0.4))
  return section.fields.slice(top, top + room).map(field => fieldLine(form, field, field === at, label, columns))
}

function fieldLine(form: Form, field: Field, isAt: boolean, labelSize: number, columns: number): Line {
  const head: Span[] = [
    { text: isAt ? '> ' : '  ', bold: true },
    { text: pad(field.label, labelSize), bold: isAt },
    span(field.required ? ' * ' : '   ', 'dim'),
  ]
  const note = noteOf(form, field)
  const room = Math.max(8, columns - labelSize - 5)
  const isEditing = isAt && form.editing !== undefined
  return [...head, ...(isEditing ? editor(field, form.editing!, room) : control(form, field, room)), ...note]
}

/** What stands behind a value: that it is wrong, missing, or not the default. */
function noteOf(form: Form, field: Field): Span[] {
  const error = form.errors.get(field.id)
  if (error !== undefined) return [span(`  ! ${error}`, 'bad')]
  if (isMissing(form, field)) return [span('  ! a value is needed', 'bad')]
  if (!isChanged(form, field)) return []
  const before = field.secret || field.fallback === undefined ? '' : `, default ${show(field.fallback) || '(empty)'}`
  return [span(`  changed${before}`, 'busy')]
}

const hidden = (field: Field, text: string): string => (field.secret ? '*'.repeat(Math.min(8, text.length)) : text)

/** The end of what is typed stays in sight. */
function editor(field: Field, typed: string, room: number): Span[] {
  const text = `${field.secret ? '*'.repeat([...typed].length) : typed}_`
  const size = Math.min(room - 2, Math.max(20, [...text].length))
  const tail = [...text].slice(-size).join('')
  return [span('['), { text: pad(tail, size), inverse: true }, span(']')]
}

function control(form: Form, field: Field, room: number): Span[] {
  const value = valueIn(form, field)
  if (field.type === 'boolean' && !field.choices) return [span(value === true ? '[x] yes' : '[ ] no')]
  if (field.choices && field.choices.length <= 4) {
    const all = field.choices.map(choice => `${choice === show(value) ? '(o)' : '( )'} ${choice}`).join('  ')
    if (width(all) <= room) return [span(all)]
  }
  const text = hidden(field, show(value))
  const size = Math.min(room - 4, field.type === 'integer' || field.type === 'number' ? 8 : 20)
  return [span(`[${pad(text, Math.max(size, Math.min(width(text), room - 4)))}]${field.choices ? ' v' : ''}`)]
}

/** The field's path, what it takes, and what it is for. */
function aboutLines(form: Form, field: Field, columns: number): Line[] {
  const fields = listed(form)
  const place = `${fields.indexOf(field) + 1} of ${fields.length}`
  const described = wrap(field.description, columns - 4).slice(0, 2)
  return [
    rule(field.id, columns, place),
    line(`  ${kindOf(field)}`, 'dim'),
    ...filled(
      described.map(text => line(`  ${text}`)),
      2,
    ),
  ]
}

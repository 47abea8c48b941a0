import { changedOptions, show } from '../install/fields.ts'
import {
  current,
  entered,
  type Form,
  incomplete,
  isChanged,
  moved as movedField,
  movedSection,
  newForm,
  reset,
  toggled,
  valueIn,
} from '../install/form.ts'
import { text } from '../model/body.ts'
import type { Model } from '../model/model.ts'
import { type Action, browsing, type Install, noticed, type PackageRequest, type UiState } from '../state.ts'
import { goTo, openLogOf } from './browse.ts'
import { type Outcome, type Press, typed } from './press.ts'

/** Fields that a page moves by. */
const page = 10

/** A package of the catalog is chosen: its description is asked for. */
export function beginInstall(state: UiState, name: string, model: Model): Outcome {
  if (model.get('package', name) === undefined)
    return { state: noticed(state, `${name} is not in the catalog any more`) }
  // What somebody has set and left goes on where it was.
  if (isDraft(state.install) && state.install.name === name) return { state: { ...state, mode: { kind: 'install' } } }
  const install: Install = {
    name,
    version: text(model.get('package', name)?.currentVersion),
    versions: [],
    step: 'options',
    asking: 'describe',
    notes: '',
    form: newForm([]),
    plan: [],
    startedAt: 0,
  }
  return { state: { ...state, install, mode: { kind: 'install' } }, action: { type: 'describe', name } }
}

export function installKeys(state: UiState, key: Press, model: Model, now: number): Outcome {
  const { install } = state
  if (!install) return { state: { ...state, mode: browsing } }
  const set = (change: Partial<Install>): UiState => ({ ...state, install: { ...install, ...change } })
  if (install.asking) return asking(state, install, key)
  switch (install.step) {
    case 'options':
      return options(state, install, key, set)
    case 'plan':
      return plan(state, install, key, set, now)
    case 'install':
      return progress(state, install, key, model)
  }
}

/** While the catalog is asked, only leaving is possible. What was posted is not called back by it. */
function asking(state: UiState, install: Install, key: Press): Outcome {
  if (key.name !== 'escape') return { state }
  const isPosted = install.asking === 'install'
  return { state: { ...state, mode: browsing, install: isPosted ? install : undefined } }
}

const requestOf = ({ name, version, form }: Install): PackageRequest => ({
  packageName: name,
  packageVersion: version,
  options: changedOptions(form.fields, form.values),
})

function options(state: UiState, install: Install, key: Press, set: (change: Partial<Install>) => UiState): Outcome {
  const { form } = install
  if (form.editing !== undefined) {
    const next = edited(form, key)
    return key.name === 'ctrl-n' && next.editing === undefined
      ? render({ ...install, form: next }, set)
      : { state: set({ form: next }) }
  }
  if (form.finding) return { state: set({ form: finding(form, key) }) }
  if (key.name === 'escape')
    return form.find === '' ? { state: left(state, install) } : { state: set({ form: { ...form, find: '' } }) }
  if (key.name === 'ctrl-n') return render(install, set)
  if (key.name === 'ctrl-v') return nextVersion(state, install)
  if (key.name === 'return' && !current(form)) return render(install, set)
  return { state: set({ form: onForm(form, key) }) }
}

/** Whether options were set that no installation has used yet. */
export const isDraft = (install: Install | undefined): install is Install =>
  install?.step === 'options' && install.form.fields.some(field => isChanged(install.form, field))

/** Options that were set are kept. */
function left(state: UiState, install: Install): UiState {
  const away = { ...state, mode: browsing }
  return isDraft(install)
    ? noticed(away, `the options of ${install.name} are kept: enter on it in the catalog returns to them`, false)
    : { ...away, install: undefined }
}

function render(install: Install, set: (change: Partial<Install>) => UiState): Outcome {
  const wrong = incomplete(install.form)
  if (wrong) return { state: set({ form: wrong }) }
  const action: Action = { type: 'render', request: requestOf(install) }
  const form = { ...install.form, errors: new Map<string, string>() }
  return { state: set({ asking: 'render', failure: undefined, form }), action }
}

function nextVersion(state: UiState, install: Install): Outcome {
  const { versions } = install
  if (versions.length < 2) return { state: noticed(state, `${install.name} has one version`, false) }
  const version = versions[(versions.indexOf(install.version) + 1) % versions.length]!
  const next: Install = { ...install, version, asking: 'describe', failure: undefined }
  return { state: { ...state, install: next }, action: { type: 'describe', name: install.name, version } }
}

function onForm(form: Form, key: Press): Form {
  const field = current(form)
  switch (key.name) {
    case 'up':
      return movedField(form, -1)
    case 'down':
      return movedField(form, 1)
    case 'pageup':
      return movedField(form, -page)
    case 'pagedown':
      return movedField(form, page)
    case 'tab':
    case 'right':
      return movedSection(form, 1)
    case 'backtab':
    case 'left':
      return movedSection(form, -1)
    case 'return':
      return field ? { ...form, at: field.id, editing: show(valueIn(form, field)) } : form
    case 'ctrl-r':
      return field ? reset(form, field) : form
    case 'text':
      return typedOnForm(form, key.text)
    default:
      return form
  }
}

function typedOnForm(form: Form, letter: string): Form {
  const field = current(form)
  switch (letter) {
    case 'k':
      return movedField(form, -1)
    case 'j':
      return movedField(form, 1)
    case ' ':
      return field ? toggled(form, field) : form
    case 'v':
      return { ...form, short: !form.short }
    case '/':
      return { ...form, finding: true }
    default:
      return form
  }
}

function edited(form: Form, key: Press): Form {
  const field = current(form)
  if (!field || key.name === 'escape') return withoutError({ ...form, editing: undefined }, field?.id)
  if (key.name === 'return' || key.name === 'tab' || key.name === 'down' || key.name === 'ctrl-n') {
    const next = entered(form, field, form.editing!)
    const goesOn = key.name === 'tab' || key.name === 'down'
    return next.editing === undefined && goesOn ? movedField(next, 1) : next
  }
  return { ...form, editing: typed(form.editing!, key) }
}

function withoutError(form: Form, id: string | undefined): Form {
  const errors = new Map(form.errors)
  if (id !== undefined) errors.delete(id)
  return { ...form, errors }
}

function finding(form: Form, key: Press): Form {
  if (key.name === 'return') return { ...form, finding: false }
  if (key.name === 'escape') return { ...form, finding: false, find: '' }
  return { ...form, find: typed(form.find, key) }
}

function plan(
  state: UiState,
  install: Install,
  key: Press,
  set: (change: Partial<Install>) => UiState,
  now: number,
): Outcome {
  if (key.name === 'escape') return { state: set({ step: 'options', failure: undefined }) }
  if (key.name !== 'return') return { state }
  return {
    state: set({ step: 'install', asking: 'install', startedAt: now, failure: undefined }),
    action: { type: 'install', request: requestOf(install) },
  }
}

function progress(state: UiState, install: Install, key: Press, model: Model): Outcome {
  const away: UiState = { ...state, mode: browsing }
  if (!install.progress) {
    // It was refused: nothing has been started.
    if (key.name === 'return' || key.name === 'escape')
      return { state: { ...state, install: { ...install, step: 'plan' } } }
    return { state }
  }
  if (key.name === 'escape' || key.text === 'q') return { state: away }
  if (key.name === 'return') return { state: goTo({ ...away, install: undefined }, 'packages') }
  const { appId } = install.progress
  if (key.text !== 'l' || appId === undefined) return { state }
  const [task] = model.tasksOfApp(appId)
  return task === undefined ? { state: noticed(state, `${appId} has no task yet`) } : openLogOf(away, task, model)
}

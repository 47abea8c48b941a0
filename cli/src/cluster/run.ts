import { runComponent } from '@meseta/common/service/run'
import { Failure } from '../output/failure.ts'
import { didYouMean } from '../output/nearest.ts'
import { componentNames, loadComponent } from './components.ts'

/** `meseta run <component> …`: one component as this whole process. */
export async function run(name: string, flags: readonly string[]): Promise<void> {
  const known = componentNames.find(component => component === name)
  if (!known) {
    throw new Failure(`there is no component "${name}"`, {
      exit: 'usage',
      hint: didYouMean(name, componentNames) ?? `the components are ${componentNames.join(', ')}`,
    })
  }
  await runComponent(await loadComponent(known), flags)
}

/** What a CatalogError of this type matches, with its status where that matters. */
export function problem(type: string, status?: number): { readonly name: string } {
  const pattern = { name: 'CatalogError', type, ...(status === undefined ? {} : { status }) }
  return pattern
}

/**
 * Where the agent keeps what must outlive it: a tree of small files below `<work-dir>/meta`. Paths are relative, of checked
 * ids. A resolved write is durable; a write that was interrupted left the old file, an append a part of its text at the end.
 */
export interface CheckpointStore {
  /** Replaces the file as a whole. */
  write(path: string, text: string): Promise<void>
  append(path: string, text: string): Promise<void>
  truncate(path: string, length: number): Promise<void>
  link(path: string, target: string): Promise<void>
  /** The target of a link; undefined when there is none. */
  readLink(path: string): Promise<string | undefined>
  /** Undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(path: string): Promise<string[]>
  /** Removes a file or a folder with all it holds; nothing there is no error. */
  remove(path: string): Promise<void>
}

/** Reading of small files: tokens, secret ids, policies, certificates. */
export interface Files {
  /** Text of a file. @throws the operating system's error (`ENOENT`, `EACCES`, …), or a `RangeError` above 1 MiB. */
  readText(path: string): Promise<string>
  /** Names (not paths) of the regular files directly in a folder that end in `ending`, sorted. @throws as {@link readText}. */
  list(folder: string, ending: string): Promise<readonly string[]>
}

/** {@link Files} whose changes can be seen. */
export interface WatchedFiles extends Files {
  /** Another text once a file that {@link Files.list} names was changed, replaced, added or removed. @throws as {@link Files.readText}. */
  signature(folder: string, ending: string): Promise<string>
}

/** Runs `work` once for all who ask for the same name while it runs. */
export function shareOne<T>(running: Map<string, Promise<T>>, name: string, work: () => Promise<T>): Promise<T> {
  const known = running.get(name);
  if (known !== undefined) return known;
  const started = work().finally(() => {
    // Whoever emptied the map since wants those who come later to start anew.
    if (running.get(name) === started) running.delete(name);
  });
  running.set(name, started);
  return started;
}

/** The path of a route with its parameters filled, as a client writes it: what a pattern allows, and escaped colons, are the router's. */
export function fillPath(pattern: string, fill: (parameter: string) => string): string {
  return pattern
    .replaceAll("::", "\0")
    .replaceAll(/:(\w+)(?:\([^)]*\))?/g, (_, parameter: string) => fill(parameter))
    .replaceAll("\0", ":");
}

/** How Node is told to run the server, by whatever starts it: the launcher and the benchmarks. Its workers inherit it. */

/**
 * Half of Node's own 32 MB for the young objects, in each of two halves: what a request makes is garbage when it is answered, and what
 * the heap grows into it does not give back (docs/decisions/0017-half-the-room-for-young-objects.md).
 */
const SERVER_FLAGS = ["--max-semi-space-size=16"];

/**
 * The flags, less those that an operator has set in NODE_OPTIONS, which Node would read before them.
 * @param {string | undefined} nodeOptions
 */
export function serverFlags(nodeOptions = process.env.NODE_OPTIONS) {
  const own = (nodeOptions ?? "").replaceAll("_", "-");
  return SERVER_FLAGS.filter((flag) => !own.includes(flag.slice(0, flag.indexOf("="))));
}

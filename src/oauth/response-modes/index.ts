import { formPost } from "./form-post.ts";
import { fragment } from "./fragment.ts";
import { query } from "./query.ts";
import type { ResponseMode } from "./response-mode.ts";

/** Every response mode. Adding one is a file and a line; discovery reads this. */
export const RESPONSE_MODES: readonly ResponseMode[] = [query, fragment, formPost];

/** The mode that a request asked for by name; the default of `code` when it named none. Undefined: there is none of that name. */
export function findResponseMode(name: string | undefined): ResponseMode | undefined {
  return name === undefined ? query : RESPONSE_MODES.find((mode) => mode.name === name);
}

import { fenceRules } from "./architecture-fences.ts";
import { importRules } from "./architecture-imports.ts";
import { shapeRules } from "./architecture-shape.ts";
import type { SourceFile } from "./architecture-source.ts";

/** What a rule found, and where in the file. */
export type Problem = { message: string; offset: number };

/** A file in a few words, to test a rule with. */
export type Sample = { path: string; text: string };

/** One house rule. Its bad samples must be found and its good ones must not: a rule that finds nothing proves nothing. */
export type Rule = {
  name: string;
  check: (file: SourceFile) => Problem[];
  bad: Sample[];
  good: Sample[];
};

/** Every rule that the architecture test enforces. */
export const rules: Rule[] = [...importRules, ...fenceRules, ...shapeRules];

/** What a rule finds in those files, as lines that an editor can open. */
export function listViolations(rule: Rule, files: SourceFile[]): string[] {
  return files.flatMap((file) => {
    return rule.check(file).map(({ message, offset }) => `${file.path}:${file.lineOf(offset)} ${message}`);
  });
}

import { Compile } from "typebox/compile";
import { isScalar, LineCounter, parseDocument } from "yaml";
import { isUnstorable, UNSTORABLE } from "../http/json-body.ts";
import { type MemberProblem, readSchemaError } from "../http/schema-error.ts";
import { ALIASES_MAX, findLine, lineOfNode, type Path } from "../platform/yaml-line.ts";
import { DeclaredFile, FILE_BYTES_MAX } from "./file-schema.ts";

export type { Path };

/** One thing that is wrong, and where. It never holds a secret. */
export interface Problem {
  readonly path: Path;
  readonly rule: string;
}

/** A declarative file whose form is right. */
export interface DeclarativeFile {
  readonly name: string;
  readonly content: DeclaredFile;
  /** The line of a place, or of the nearest place around it that is written. */
  readonly lineOf: (path: Path) => number;
}

const PROBLEMS_SHOWN_MAX = 50;
/** Most bytes of YAML that a request may hold: they take up to 60 ms, in which nobody else is answered. */
const YAML_PART_BYTES_MAX = 16_384;
/** Most objects and memberships that a request may name, and objects that it may delete: one transaction writes them. */
export const PART_OBJECTS_MAX = 1_000;
const OBJECT_LISTS = new Set([
  ...["realms", "resource_servers", "roles", "authenticator_configs", "groups", "identities", "applications"],
  ...["members", "introspectors", "may_be_exchanged_by"],
]);
/** Where a tenant that stands alone is, as seen from a whole file. */
const TENANT_PLACE: Path = ["tenants", 0];
const validator = Compile(DeclaredFile);

/** Everything that is wrong with a declarative file, each with its line. Nothing was changed. */
export class DeclarativeError extends Error {
  readonly problems: readonly Problem[];

  constructor(
    file: Pick<DeclarativeFile, "name" | "lineOf">,
    problems: readonly Problem[],
    options: { cause?: unknown } = {},
  ) {
    const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
    const lines = shown.map((problem) => `${file.name}:${file.lineOf(problem.path)}: ${sentenceOf(problem)}`);
    const rest = problems.length - shown.length;
    super([...lines, ...(rest > 0 ? [`and ${rest} more`] : [])].join("\n"), options);
    this.name = "DeclarativeError";
    this.problems = problems;
  }
}

/**
 * Reads the text of a declarative file: YAML 1.2 (or JSON), of the form of settled 14, unknown members refused by name.
 *
 * @param name how the file is called in messages
 * @throws DeclarativeError
 */
export function parseDeclarativeFile(name: string, text: string): DeclarativeFile {
  if (Buffer.byteLength(text, "utf8") > FILE_BYTES_MAX) throw unreadable(name, `has over ${FILE_BYTES_MAX} bytes`);
  return toFile(name, parseYaml(name, text));
}

/**
 * Reads one tenant's part of a declarative file, as the API takes it, as if it stood alone in a file: its place is `tenants[0]`.
 *
 * @param name how the text is called in messages
 * @throws DeclarativeError
 */
export function parseDeclaredTenant(name: string, text: string): DeclarativeFile {
  const part = parseJson(text) ?? parseYamlPart(name, text);
  if (countObjects(part.content) > PART_OBJECTS_MAX) {
    throw unreadable(name, `names over ${PART_OBJECTS_MAX} objects and memberships: split it into several requests`);
  }
  const inPart = (path: Path): Path => path.slice(TENANT_PLACE.length);
  return toFile(name, {
    content: { version: 1, tenants: [part.content] },
    lineOf: (path) => part.lineOf(inPart(path)),
    getNode: (path) => part.getNode(inPart(path)),
  });
}

function toFile(name: string, { content, lineOf, getNode }: ParsedText): DeclarativeFile {
  refuseUnstorable({ name, lineOf }, content);
  if (validator.Check(content)) return { name, content, lineOf };
  const found = validator.Errors(content).flatMap(readSchemaError);
  throw new DeclarativeError(
    { name, lineOf },
    found.map((problem) => toProblem(getNode, problem)),
  );
}

// Before its schema is asked, for which a long list is work as well.
function countObjects(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, element) => sum + countObjects(element), 0);
  return Object.entries(value).reduce((sum, [name, member]) => {
    const own = Array.isArray(member) && OBJECT_LISTS.has(name) ? member.length : 0;
    return sum + own + countObjects(member);
  }, 0);
}

// Names, references and chosen ids are looked up before a rule of theirs is asked (rule 10).
function refuseUnstorable(file: Pick<DeclarativeFile, "name" | "lineOf">, content: unknown): void {
  const problems = findUnstorable(content, []);
  if (problems.length > 0) throw new DeclarativeError(file, problems);
}

function findUnstorable(value: unknown, path: Path): Problem[] {
  if (isUnstorable(value)) return [{ path, rule: UNSTORABLE }];
  if (Array.isArray(value)) return value.flatMap((element, index) => findUnstorable(element, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    isUnstorable(name) ? [{ path, rule: `a name in it ${UNSTORABLE}` }] : findUnstorable(member, [...path, name]),
  );
}

/** A text that was read: its value, the line of a place, and the node there. */
interface ParsedText {
  readonly content: unknown;
  readonly lineOf: (path: Path) => number;
  readonly getNode: (path: Path) => unknown;
}

// Thirty times as fast as YAML, and what programs send.
function parseJson(text: string): ParsedText | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return { content: JSON.parse(text), lineOf: () => 1, getNode: () => undefined };
  } catch {
    return undefined; // a mapping of YAML may begin so too
  }
}

function parseYamlPart(name: string, text: string): ParsedText {
  if (Buffer.byteLength(text, "utf8") > YAML_PART_BYTES_MAX) {
    throw unreadable(name, `has over ${YAML_PART_BYTES_MAX} bytes of YAML: send JSON`);
  }
  return parseYaml(name, text);
}

function parseYaml(name: string, text: string): ParsedText {
  const lines = new LineCounter();
  const document = readYaml(name, () =>
    parseDocument(text, { version: "1.2", lineCounter: lines, prettyErrors: false }),
  );
  const [broken] = document.errors;
  if (broken !== undefined)
    throw unreadable(name, `is not YAML: ${broken.message}`, { line: lines.linePos(broken.pos[0]).line });
  return {
    // An alias that is used too often is refused by the parser: a short text must not become a huge value.
    content: readYaml(name, () => document.toJS({ maxAliasCount: ALIASES_MAX })),
    lineOf: (path) => findLine(document, path, lines) ?? lineOfNode(document.contents, lines) ?? 1,
    getNode: (path) => document.getIn(path, true),
  };
}

// Besides what it says of a document, the parser throws at aliases, and at nesting that no honest file has.
function readYaml<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(name, `is not YAML: ${cause instanceof Error ? cause.message : "it cannot be read"}`, { cause });
  }
}

function unreadable(name: string, rule: string, options: { line?: number; cause?: unknown } = {}): DeclarativeError {
  const { line = 1, ...rest } = options;
  return new DeclarativeError({ name, lineOf: () => line }, [{ path: [], rule }], rest);
}

/** A path as people write it: `tenants[0].realms[1].display_name`. */
export function formatPath(path: Path): string {
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`));
  return parts.join("").replace(/^\./, "");
}

function sentenceOf({ path, rule }: Problem): string {
  return path.length === 0 ? rule : `${formatPath(path)}: ${rule}`;
}

function toProblem(getNode: ParsedText["getNode"], { path, description }: MemberProblem): Problem {
  const places = path.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const node = getNode(places);
  // 1234567890123456 and 00000000000012e4 are ids to us and numbers to YAML.
  const isNumber = isScalar(node) && typeof node.value === "number";
  const hint = isNumber && description.includes("string") ? "; put it in quotes" : "";
  return { path: places, rule: description + hint };
}

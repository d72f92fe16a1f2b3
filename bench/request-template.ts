/** Stands in a request where the load generator puts a value of its own: a code, a token. Nothing in it needs escaping. */
export const VALUE_MARKER = "__VALUE__";

const HEAD_END = "\r\n\r\n";
const CONTENT_LENGTH = /\r\ncontent-length: \d+/;

/** Compiles a whole HTTP/1.1 request with one marker to a function that puts a value there and sets the content length. */
export function compileTemplate(template: string): (value: string) => Buffer {
  const [before, after, ...more] = template.split(VALUE_MARKER);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`a template holds ${VALUE_MARKER} once`);
  }
  const headEnd = before.indexOf(HEAD_END);
  if (headEnd < 0) return (value) => Buffer.from(before + value + after, "latin1");
  const head = before.slice(0, headEnd).replace(CONTENT_LENGTH, "");
  const bodyStart = before.slice(headEnd + HEAD_END.length);
  return (value) => {
    const body = bodyStart + value + after;
    return Buffer.from(`${head}\r\ncontent-length: ${body.length}${HEAD_END}${body}`, "latin1");
  };
}

/** Rows under headings, in columns as wide as what is in them. Control characters are shown as spaces: a name must not move the cursor. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(clean))];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? "")].length)));
  return cells.map((row) => formatRow(row, widths)).join("\n");
}

/** Names and values, one pair a line. */
export function formatPairs(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${clean(value)}`.trimEnd()).join("\n");
}

function formatRow(row: readonly string[], widths: readonly number[]): string {
  const padded = row.map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length)));
  return padded.join("  ").trimEnd();
}

function clean(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ");
}

import { homedir } from "node:os";
import { type Clock, createClock } from "../platform/clock.ts";

/** What surrounds a command: its environment, its terminal, its clock. */
export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly clock: Pick<Clock, "nowSeconds" | "nowMs">;
  /** whether a person reads what is printed */
  readonly isTerminal: boolean;
  /** whether a person can be asked */
  readonly canAsk: boolean;
  print(text: string): void;
  /** Prints on standard error. */
  note(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Asks a person for a line that is not shown while it is typed. */
  askSecret(question: string): Promise<string>;
}

const INPUT_BYTES_MAX = 8 * 1024 * 1024;
const CTRL_C = "\u0003";
const BACKSPACE = /[\b\u007f]/;

/** The world of this process. */
export function createWorld(): World {
  const { stdin, stdout, stderr } = process;
  return {
    environment: process.env,
    homeDirectory: homedir(),
    clock: createClock(),
    isTerminal: stdout.isTTY === true,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    print: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    readInput: async () => {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of stdin) {
        chunks.push(Buffer.from(chunk));
        size += chunk.length;
        if (size > INPUT_BYTES_MAX) throw new Error(`standard input has over ${INPUT_BYTES_MAX} bytes`);
      }
      return Buffer.concat(chunks).toString("utf8");
    },
    askSecret,
  };
}

function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true); // before the question: what is typed in between would be shown
  stderr.write(question);
  stdin.setEncoding("utf8");
  return new Promise((resolve) => {
    let typed = "";
    const finish = (): void => {
      stdin.off("data", take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
    };
    const take = (text: string): void => {
      for (const character of text) {
        if (character === CTRL_C) {
          finish();
          process.exit(130);
        }
        if (character === "\r" || character === "\n") {
          finish();
          resolve(typed);
          return;
        }
        typed = BACKSPACE.test(character) ? typed.slice(0, -1) : typed + character;
      }
    };
    stdin.on("data", take);
  });
}

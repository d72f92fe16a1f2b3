/** What a figure is to reach. */
export type Target = { atLeast: number } | { atMost: number };

/** How a figure stands to its target. */
export type Verdict = "reached" | "within the gate" | "below" | "not measured";

/** Figures vary by a fifth from run to run: that much less than the target still passes. */
const GATE = 0.8;

/** The value that still passes. */
export function gateOf(target: Target): Target {
  return "atLeast" in target ? { atLeast: target.atLeast * GATE } : { atMost: target.atMost / GATE };
}

/** Judges a figure; one that is undefined or no number was not measured. */
export function judge(value: number | undefined, target: Target): Verdict {
  if (value === undefined || Number.isNaN(value)) return "not measured";
  if (reaches(value, target)) return "reached";
  return reaches(value, gateOf(target)) ? "within the gate" : "below";
}

/** Whether what must not happen at all did happen, or nobody knows. */
export function isViolated(value: number | undefined, target: Target): boolean {
  return "atMost" in target && target.atMost === 0 && judge(value, target) !== "reached";
}

function reaches(value: number, target: Target): boolean {
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

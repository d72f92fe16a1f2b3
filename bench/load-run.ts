import { closedLoop, openLoop } from "./due-times.ts";
import { type Answer, type LoadConnection, openLoadConnection } from "./load-connection.ts";
import type { LoadPlan } from "./load-plan.ts";
import { findBetween, openRequestSource, type RequestSource } from "./request-source.ts";

const OK = 200;
const PACE_MILLISECONDS = 1;

/** What became of one request; `failure` is what was wrong with its answer. */
export type Outcome = { milliseconds: number; status: string; failure?: string; value?: string };

/** A load under way. */
export type LoadRun = {
  /** Resolves after that time, or when so many requests in all were sent, or when there is nothing left to send. */
  wait(seconds: number, sentMax: number): Promise<void>;
  /** Sends nothing more; resolves when all is answered, or after that time, with the number of what is not. */
  drain(secondsMax: number): Promise<number>;
};

type Member = { index: number; connection: LoadConnection; dueAt: number };

/** Opens the plan's connections and starts to send: a closed loop, or an open one where the plan names a rate. */
export async function startLoadRun(plan: LoadPlan, told: (outcome: Outcome) => void): Promise<LoadRun> {
  const source = openRequestSource(plan.source);
  const expected = Buffer.from(plan.expectedText);
  const waiter = createWaiter();
  const idle: Member[] = [];
  let sent = 0;
  let inFlight = 0;
  let stopped = false;

  const members = await connectAll(plan, (member, answer) => {
    inFlight -= 1;
    const milliseconds = performance.now() - member.dueAt;
    told({ milliseconds, ...judge({ plan, source, expected }, member.index, answer) });
    if (!("failure" in answer)) dispatch(member);
    waiter.changed();
  });
  const due = plan.ratePerSecond === undefined ? closedLoop() : openLoop(plan.ratePerSecond);

  function dispatch(member: Member): boolean {
    const request = stopped || sent >= plan.requestsMax || !due.isDue() ? undefined : source.next(member.index);
    if (request === undefined) {
      idle.push(member);
      return false;
    }
    sent += 1;
    inFlight += 1;
    member.dueAt = due.take();
    member.connection.send(request);
    return true;
  }

  function dispatchIdle(): void {
    let member = idle.pop();
    while (member !== undefined && dispatch(member)) member = idle.pop();
    waiter.changed();
  }

  for (const member of members) dispatch(member);
  const pacer = plan.ratePerSecond === undefined ? undefined : setInterval(dispatchIdle, PACE_MILLISECONDS);
  return {
    wait: (seconds, sentMax) =>
      waiter.until(() => sent >= Math.min(sentMax, plan.requestsMax) || source.isSpent(), seconds),
    drain: async (secondsMax) => {
      stopped = true;
      clearInterval(pacer);
      await waiter.until(() => inFlight === 0, secondsMax);
      for (const { connection } of members) connection.destroy();
      return inFlight;
    },
  };
}

function connectAll(plan: LoadPlan, answered: (member: Member, answer: Answer) => void): Promise<Member[]> {
  return Promise.all(
    Array.from({ length: plan.connections }, async (_, index) => {
      const connection = await openLoadConnection(plan, (answer) => answered(member, answer));
      const member: Member = { index, connection, dueAt: 0 };
      return member;
    }),
  );
}

type Judging = { plan: LoadPlan; source: RequestSource; expected: Buffer };

function judge({ plan, source, expected }: Judging, connection: number, answer: Answer): Omit<Outcome, "milliseconds"> {
  if ("failure" in answer) return { status: "closed", failure: answer.failure };
  const { bytes } = answer;
  const status = String(answer.status);
  if (answer.status !== OK || !bytes.includes(expected)) return { status, failure: bytes.toString("latin1") };
  const failure = source.learn(connection, bytes);
  if (failure !== undefined) return { status, failure };
  const value = plan.collect === undefined ? undefined : findBetween(bytes, plan.collect);
  return value === undefined ? { status } : { status, value };
}

/** Lets one caller at a time wait for a condition that others change. */
function createWaiter() {
  let check = () => {};
  return {
    changed: () => check(),
    until: (done: () => boolean, seconds: number) =>
      new Promise<void>((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          check = () => {};
          resolve();
        };
        const timer = setTimeout(finish, seconds * 1000);
        check = () => {
          if (done()) finish();
        };
        check();
      }),
  };
}

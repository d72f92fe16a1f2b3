import { Type } from "typebox";
import { formatInstant } from "../../platform/clock.ts";
import { pageOf } from "../answer-parts.ts";
import { realmOf } from "../call.ts";
import { reads } from "../operations.ts";
import { listMails } from "./queries.ts";

const MAILS_MAX = 100;

/** A mail as the API shows it. */
const MailAnswer = Type.Object(
  {
    id: Type.String(),
    to: Type.String(),
    subject: Type.String(),
    body: Type.String(),
    create_time: Type.String({ format: "date-time" }),
  },
  { additionalProperties: false },
);

/** The mails of a test tenant: kept and readable, never sent (rule 41). A production tenant keeps none. */
export const MAIL_OPERATIONS = [
  reads(
    {
      name: "ListMails",
      method: "GET",
      path: "/v1/tenants/{tenant}/realms/{realm}/mails",
      tag: "Tests",
      summary: `Shows a test tenant's newest ${MAILS_MAX} mails: they are kept, never sent.`,
      scopes: ["events:read"],
      answer: pageOf("mails", MailAnswer),
    },
    async (call) => {
      const found = await listMails(call.db, realmOf(call), MAILS_MAX);
      const mails = found.map(({ mailId, recipient, subject, body, createdAtMs }) => {
        return { id: mailId, to: recipient, subject, body, create_time: formatInstant(createdAtMs) };
      });
      return { value: { mails, total_size: mails.length } };
    },
  ),
] as const;

import type { Deps } from "../../deps.ts";
import { notFound } from "../../http/management-error.ts";
import { type HttpReply, type HttpRequest, jsonReply, type Route, realmKeyOf } from "../../http/route.ts";
import { formatInstant } from "../../platform/clock.ts";
import { listMails } from "./queries.ts";

const MAILS_MAX = 100;

/** The mails of a test tenant: kept and readable, never sent (rule 41). A production tenant keeps none. */
export function mailRoutes(deps: Deps): readonly Route[] {
  return [
    {
      name: "ListMails",
      method: "GET",
      path: "/v1/tenants/:tenant/realms/:realm/mails",
      kind: "management",
      scopes: ["events:read"],
      handle: (request) => handleList(deps, request),
    },
  ];
}

async function handleList(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  const realm = realmKeyOf(request);
  if (realm === undefined) throw notFound("Realm", request.parameters.realm ?? "");
  const mails = await listMails(deps.database.tenants([realm.tenantId]), realm, MAILS_MAX);
  return jsonReply(200, {
    mails: mails.map((mail) => ({
      id: mail.mailId,
      to: mail.recipient,
      subject: mail.subject,
      body: mail.body,
      create_time: formatInstant(mail.createdAtMs),
    })),
    total_size: mails.length,
  });
}

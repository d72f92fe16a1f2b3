import type { CredentialType, TransactionType } from "../protocol/policy.ts";
import { type Judgement, judgeByPolicy } from "../resources/judge-by-policy.ts";
import type { Visit } from "./visit.ts";

/** What somebody at the login pages is about to do. */
export interface VisitTransaction {
  readonly type: TransactionType;
  /** who has proved to be there; undefined: somebody who would be made */
  readonly identityId: string | undefined;
  readonly credentialType: CredentialType;
}

/**
 * Judges what somebody has just proved, before it counts, by the policy of the realm (reference 3.1). The evaluation is recorded; what it
 * came to, the caller records with the facts of the judgement.
 */
export function judgeVisit(visit: Visit, transaction: VisitTransaction): Promise<Judgement> {
  const { tenantId, realmId, applicationId } = visit.context.key;
  return judgeByPolicy(visit.services, {
    ...transaction,
    realm: { tenantId, realmId },
    applicationId,
    http: visit.http,
    requestId: visit.stored.id,
  });
}

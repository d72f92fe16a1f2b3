/**
 * The part of oidc-provider that the benchmark uses; the package ships no types.
 */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    readonly AuthorizationCode: new (
      properties: Record<string, unknown>,
    ) => { save(): Promise<string> };
    readonly Grant: new (
      properties: Record<string, unknown>,
    ) => {
      addOIDCScope(scope: string): void;
      addResourceScope(resource: string, scope: string): void;
      save(): Promise<string>;
    };
    readonly Client: { find(id: string): Promise<object | undefined> };
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  }
}

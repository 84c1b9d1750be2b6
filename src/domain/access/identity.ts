/** Who asks, as far as access rules see it. */
export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
}

/** May do everything, always, whatever the roles say: the way back in when roles are broken. */
export const MASTERS = "system:masters";
/** The people who may do everything, by a binding that every start restores. Users can be put into it; into system:masters they cannot. */
export const ADMINS = "slipway:admins";
/** Everyone who proved who he is. */
export const AUTHENTICATED = "system:authenticated";

const SERVICE_ACCOUNT = "system:serviceaccount:";

/** https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens names the forms. */
export const serviceAccountUser = (namespace: string, name: string): string => `${SERVICE_ACCOUNT}${namespace}:${name}`;

export const serviceAccountGroups = (namespace: string): readonly string[] => [
  "system:serviceaccounts",
  `system:serviceaccounts:${namespace}`,
];

/** The service account behind a user name, if it is the name of one. */
export function serviceAccountOf(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT)) return undefined;
  const [namespace, name, ...rest] = user.slice(SERVICE_ACCOUNT.length).split(":");
  if (namespace === undefined || namespace === "" || name === undefined || name === "" || rest.length > 0) return undefined;
  return { namespace, name };
}

export const controllerUser = (controller: string): string => `system:slipway:${controller}`;

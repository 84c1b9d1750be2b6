/** What a kubeconfig is made of. `server` is a URL, `authority` the certificate of its CA as PEM. */
export interface KubeconfigParts {
  readonly server: string;
  readonly authority: string;
  readonly user: string;
  readonly token: string;
  /** The namespace that commands mean when they name none; "default" where absent. */
  readonly namespace?: string;
}

/**
 * A kubeconfig for one user, CA and token included: to be written with mode 0600. JSON, which is YAML, so that no name needs quoting rules.
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export function kubeconfig({ server, authority, user, token, namespace }: KubeconfigParts): string {
  const cluster = { server, "certificate-authority-data": Buffer.from(authority, "utf8").toString("base64") };
  const context = { cluster: "slipway", user, namespace: namespace ?? "default" };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "slipway",
    clusters: [{ name: "slipway", cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "slipway", context }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

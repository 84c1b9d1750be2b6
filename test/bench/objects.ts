import { randomBytes } from "node:crypto";

/** A ReleaseBinding of about 1 KB as it is sent, with texts that do not compress away. */
export function releaseBinding(namespace: string, name: string, index: number): object {
  const lanes = ["eu-west", "eu-north", "us-east", "us-west", "ap-south"];
  return {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "ReleaseBinding",
    metadata: {
      name,
      namespace,
      labels: { "app.kubernetes.io/part-of": "bench", team: `team-${index % 20}` },
      annotations: { "example.org/description": randomBytes(60).toString("base64") },
    },
    spec: {
      application: `app-${index}`,
      environment: "production",
      release: `app-${index}-${hex(6)}`,
      configuration: { commit: hex(20) },
      overrides: lanes.map((lane) => ({ lane, release: `app-${index}-${hex(6)}`, configuration: { commit: hex(20) } })),
    },
  };
}

/** A Role of about 1 KB: a kind that a Kubernetes API server has built in. */
export function role(namespace: string, name: string, index: number): object {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: {
      name,
      namespace,
      labels: { team: `team-${index % 20}` },
      annotations: { "example.org/description": randomBytes(60).toString("base64") },
    },
    rules: ["configmaps", "secrets", "services", "pods"].map((resource) => ({
      apiGroups: [""],
      resources: [resource],
      verbs: ["get", "list", "watch"],
      resourceNames: Array.from({ length: 5 }, () => `n-${hex(8)}`),
    })),
  };
}

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");

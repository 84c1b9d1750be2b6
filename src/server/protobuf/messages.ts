/**
 * How a field is written and what it becomes in JSON. `text`, `count` and `flag` vanish when empty, as Go's `omitempty` lets them;
 * the `kept…` ones do not (pointers and required fields in Go).
 */
export type FieldShape =
  | "text"
  | "keptText"
  | "count"
  | "keptCount"
  | "flag"
  | "keptFlag"
  | "time"
  | "microTime"
  | "texts"
  | "textMap"
  | "bytesMap"
  | "textsMap"
  | "fieldSet"
  | MessageShape;

/** A message within a message; one that is not `isKept` vanishes when nothing is in it. */
export interface MessageShape {
  readonly of: MessageName;
  readonly isList: boolean;
  readonly isKept: boolean;
}

const one = (of: MessageName): MessageShape => ({ of, isList: false, isKept: false });
const kept = (of: MessageName): MessageShape => ({ of, isList: false, isKept: true });
const many = (of: MessageName): MessageShape => ({ of, isList: true, isKept: false });

export type MessageName =
  | "ObjectMeta"
  | "OwnerReference"
  | "ManagedFieldsEntry"
  | "LabelSelector"
  | "Requirement"
  | "DeleteOptions"
  | "Preconditions"
  | "Namespace"
  | "NamespaceSpec"
  | "NamespaceStatus"
  | "NamespaceCondition"
  | "Secret"
  | "ServiceAccount"
  | "ObjectReference"
  | "LocalObjectReference"
  | "Event"
  | "EventSource"
  | "EventSeries"
  | "Role"
  | "ClusterRole"
  | "Binding"
  | "PolicyRule"
  | "Subject"
  | "RoleRef"
  | "AggregationRule"
  | "TokenRequest"
  | "TokenRequestSpec"
  | "TokenRequestStatus"
  | "BoundObjectReference"
  | "SelfSubjectReview"
  | "SelfSubjectReviewStatus"
  | "TokenReview"
  | "TokenReviewSpec"
  | "TokenReviewStatus"
  | "UserInfo"
  | "SelfSubjectAccessReview"
  | "SelfSubjectAccessReviewSpec"
  | "SubjectAccessReview"
  | "SubjectAccessReviewSpec"
  | "SubjectAccessReviewStatus"
  | "SelfSubjectRulesReview"
  | "SelfSubjectRulesReviewSpec"
  | "SubjectRulesReviewStatus"
  | "ResourceAttributes"
  | "NonResourceAttributes"
  | "SelectorAttributes"
  | "ResourceRule"
  | "NonResourceRule";

/** The fields of a message: name in JSON, number on the wire, shape. */
export type MessageFields = Readonly<Record<string, readonly [number, FieldShape]>>;

const ANSWER = { allowed: [1, "keptFlag"], denied: [4, "flag"], reason: [2, "text"], evaluationError: [3, "text"] } as const;
const BINDING: MessageFields = { metadata: [1, one("ObjectMeta")], subjects: [2, many("Subject")], roleRef: [3, kept("RoleRef")] };

/**
 * The messages of the built-in kinds that are served. Names and numbers are those of the generated.proto files of Kubernetes 1.36:
 * k8s.io/apimachinery/pkg/apis/meta/v1, k8s.io/api/core/v1, rbac/v1, authentication/v1, authorization/v1. Numbers never change once published.
 */
export const MESSAGES: Readonly<Record<MessageName, MessageFields>> = {
  ObjectMeta: {
    name: [1, "text"],
    generateName: [2, "text"],
    namespace: [3, "text"],
    selfLink: [4, "text"],
    uid: [5, "text"],
    resourceVersion: [6, "text"],
    generation: [7, "count"],
    creationTimestamp: [8, "time"],
    deletionTimestamp: [9, "time"],
    deletionGracePeriodSeconds: [10, "keptCount"],
    labels: [11, "textMap"],
    annotations: [12, "textMap"],
    ownerReferences: [13, many("OwnerReference")],
    finalizers: [14, "texts"],
    managedFields: [17, many("ManagedFieldsEntry")],
  },
  OwnerReference: {
    apiVersion: [5, "keptText"],
    kind: [1, "keptText"],
    name: [3, "keptText"],
    uid: [4, "keptText"],
    controller: [6, "keptFlag"],
    blockOwnerDeletion: [7, "keptFlag"],
  },
  ManagedFieldsEntry: {
    manager: [1, "text"],
    operation: [2, "text"],
    apiVersion: [3, "text"],
    time: [4, "time"],
    fieldsType: [6, "text"],
    fieldsV1: [7, "fieldSet"],
    subresource: [8, "text"],
  },
  LabelSelector: { matchLabels: [1, "textMap"], matchExpressions: [2, many("Requirement")] },
  Requirement: { key: [1, "keptText"], operator: [2, "keptText"], values: [3, "texts"] },
  DeleteOptions: {
    gracePeriodSeconds: [1, "keptCount"],
    preconditions: [2, one("Preconditions")],
    orphanDependents: [3, "keptFlag"],
    propagationPolicy: [4, "keptText"],
    dryRun: [5, "texts"],
  },
  Preconditions: { uid: [1, "keptText"], resourceVersion: [2, "keptText"] },

  Namespace: { metadata: [1, one("ObjectMeta")], spec: [2, one("NamespaceSpec")], status: [3, one("NamespaceStatus")] },
  NamespaceSpec: { finalizers: [1, "texts"] },
  NamespaceStatus: { phase: [1, "text"], conditions: [2, many("NamespaceCondition")] },
  NamespaceCondition: {
    type: [1, "keptText"],
    status: [2, "keptText"],
    lastTransitionTime: [4, "time"],
    reason: [5, "text"],
    message: [6, "text"],
  },
  Secret: {
    metadata: [1, one("ObjectMeta")],
    immutable: [5, "keptFlag"],
    data: [2, "bytesMap"],
    stringData: [4, "textMap"],
    type: [3, "text"],
  },
  ServiceAccount: {
    metadata: [1, one("ObjectMeta")],
    secrets: [2, many("ObjectReference")],
    imagePullSecrets: [3, many("LocalObjectReference")],
    automountServiceAccountToken: [4, "keptFlag"],
  },
  ObjectReference: {
    kind: [1, "text"],
    namespace: [2, "text"],
    name: [3, "text"],
    uid: [4, "text"],
    apiVersion: [5, "text"],
    resourceVersion: [6, "text"],
    fieldPath: [7, "text"],
  },
  LocalObjectReference: { name: [1, "text"] },
  Event: {
    metadata: [1, one("ObjectMeta")],
    involvedObject: [2, kept("ObjectReference")],
    reason: [3, "text"],
    message: [4, "text"],
    source: [5, one("EventSource")],
    firstTimestamp: [6, "time"],
    lastTimestamp: [7, "time"],
    count: [8, "count"],
    type: [9, "text"],
    eventTime: [10, "microTime"],
    series: [11, one("EventSeries")],
    action: [12, "text"],
    related: [13, one("ObjectReference")],
    reportingComponent: [14, "text"],
    reportingInstance: [15, "text"],
  },
  EventSource: { component: [1, "text"], host: [2, "text"] },
  EventSeries: { count: [1, "count"], lastObservedTime: [2, "microTime"] },

  Role: { metadata: [1, one("ObjectMeta")], rules: [2, many("PolicyRule")] },
  ClusterRole: { metadata: [1, one("ObjectMeta")], rules: [2, many("PolicyRule")], aggregationRule: [3, one("AggregationRule")] },
  Binding: BINDING,
  PolicyRule: {
    verbs: [1, "texts"],
    apiGroups: [2, "texts"],
    resources: [3, "texts"],
    resourceNames: [4, "texts"],
    nonResourceURLs: [5, "texts"],
  },
  Subject: { kind: [1, "keptText"], apiGroup: [2, "text"], name: [3, "keptText"], namespace: [4, "text"] },
  RoleRef: { apiGroup: [1, "keptText"], kind: [2, "keptText"], name: [3, "keptText"] },
  AggregationRule: { clusterRoleSelectors: [1, many("LabelSelector")] },

  TokenRequest: { metadata: [1, one("ObjectMeta")], spec: [2, kept("TokenRequestSpec")], status: [3, one("TokenRequestStatus")] },
  TokenRequestSpec: { audiences: [1, "texts"], expirationSeconds: [4, "keptCount"], boundObjectRef: [3, one("BoundObjectReference")] },
  TokenRequestStatus: { token: [1, "text"], expirationTimestamp: [2, "time"] },
  BoundObjectReference: { kind: [1, "text"], apiVersion: [2, "text"], name: [3, "text"], uid: [4, "text"] },
  SelfSubjectReview: { metadata: [1, one("ObjectMeta")], status: [2, one("SelfSubjectReviewStatus")] },
  SelfSubjectReviewStatus: { userInfo: [1, one("UserInfo")] },
  TokenReview: { metadata: [1, one("ObjectMeta")], spec: [2, kept("TokenReviewSpec")], status: [3, one("TokenReviewStatus")] },
  TokenReviewSpec: { token: [1, "text"], audiences: [2, "texts"] },
  TokenReviewStatus: { authenticated: [1, "flag"], user: [2, one("UserInfo")], audiences: [4, "texts"], error: [3, "text"] },
  UserInfo: { username: [1, "text"], uid: [2, "text"], groups: [3, "texts"], extra: [4, "textsMap"] },

  SelfSubjectAccessReview: {
    metadata: [1, one("ObjectMeta")],
    spec: [2, kept("SelfSubjectAccessReviewSpec")],
    status: [3, one("SubjectAccessReviewStatus")],
  },
  SelfSubjectAccessReviewSpec: {
    resourceAttributes: [1, one("ResourceAttributes")],
    nonResourceAttributes: [2, one("NonResourceAttributes")],
  },
  SubjectAccessReview: {
    metadata: [1, one("ObjectMeta")],
    spec: [2, kept("SubjectAccessReviewSpec")],
    status: [3, one("SubjectAccessReviewStatus")],
  },
  SubjectAccessReviewSpec: {
    resourceAttributes: [1, one("ResourceAttributes")],
    nonResourceAttributes: [2, one("NonResourceAttributes")],
    user: [3, "text"],
    groups: [4, "texts"],
    extra: [5, "textsMap"],
    uid: [6, "text"],
  },
  SubjectAccessReviewStatus: ANSWER,
  SelfSubjectRulesReview: {
    metadata: [1, one("ObjectMeta")],
    spec: [2, kept("SelfSubjectRulesReviewSpec")],
    status: [3, one("SubjectRulesReviewStatus")],
  },
  SelfSubjectRulesReviewSpec: { namespace: [1, "text"] },
  SubjectRulesReviewStatus: {
    resourceRules: [1, many("ResourceRule")],
    nonResourceRules: [2, many("NonResourceRule")],
    incomplete: [3, "keptFlag"],
    evaluationError: [4, "text"],
  },
  ResourceAttributes: {
    namespace: [1, "text"],
    verb: [2, "text"],
    group: [3, "text"],
    version: [4, "text"],
    resource: [5, "text"],
    subresource: [6, "text"],
    name: [7, "text"],
    fieldSelector: [8, one("SelectorAttributes")],
    labelSelector: [9, one("SelectorAttributes")],
  },
  NonResourceAttributes: { path: [1, "text"], verb: [2, "text"] },
  SelectorAttributes: { rawSelector: [1, "text"], requirements: [2, many("Requirement")] },
  ResourceRule: { verbs: [1, "texts"], apiGroups: [2, "texts"], resources: [3, "texts"], resourceNames: [4, "texts"] },
  NonResourceRule: { verbs: [1, "texts"], nonResourceURLs: [2, "texts"] },
};

/** Which message an object is, by `apiVersion kind`; DeleteOptions come under every group. */
export const MESSAGE_OF: Readonly<Record<string, MessageName>> = {
  "v1 Namespace": "Namespace",
  "v1 Secret": "Secret",
  "v1 ServiceAccount": "ServiceAccount",
  "v1 Event": "Event",
  "rbac.authorization.k8s.io/v1 Role": "Role",
  "rbac.authorization.k8s.io/v1 ClusterRole": "ClusterRole",
  "rbac.authorization.k8s.io/v1 RoleBinding": "Binding",
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": "Binding",
  "authentication.k8s.io/v1 TokenRequest": "TokenRequest",
  "authentication.k8s.io/v1 TokenReview": "TokenReview",
  "authentication.k8s.io/v1 SelfSubjectReview": "SelfSubjectReview",
  "authorization.k8s.io/v1 SelfSubjectAccessReview": "SelfSubjectAccessReview",
  "authorization.k8s.io/v1 SubjectAccessReview": "SubjectAccessReview",
  "authorization.k8s.io/v1 LocalSubjectAccessReview": "SubjectAccessReview",
  "authorization.k8s.io/v1 SelfSubjectRulesReview": "SelfSubjectRulesReview",
};

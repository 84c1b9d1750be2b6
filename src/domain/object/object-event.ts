import type { ObjectKey } from "./api-object.ts";

/** Something that happened to an object, for people: becomes a core/v1 Event; the same again raises its count. */
export interface ObjectEvent {
  readonly about: ObjectKey;
  readonly apiVersion: string;
  readonly kind: string;
  readonly uid: string;
  readonly type: "Normal" | "Warning";
  /** CamelCase, for programs. */
  readonly reason: string;
  /** One sentence that says what happened and, in a warning, what to do. */
  readonly message: string;
}

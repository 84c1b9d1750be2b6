import type { ObjectKey } from "../domain/object/api-object.ts";

/** Encrypts what must not lie in the database in clear. Given to a store at wiring. */
export interface Sealer {
  /** Whether objects of this resource are stored sealed. */
  seals(key: Pick<ObjectKey, "group" | "resource">): boolean;
  /** The text that is stored; bound to the key, so that a sealed text moved to another object does not open. */
  seal(text: string, key: ObjectKey): string;
  /** Throws PortError `refused` when the text was altered or sealed with another key; says which key is meant. */
  open(sealed: string, key: ObjectKey): string;
}

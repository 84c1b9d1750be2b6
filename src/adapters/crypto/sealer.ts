import type { ObjectKey } from "../../domain/object/api-object.ts";
import { keyText } from "../../domain/object/api-object.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Sealer } from "../../ports/sealer.ts";
import { seal, unseal } from "./envelope.ts";
import type { MasterKeys } from "./master-key.ts";

const PURPOSE = "objects";
/** Tells sealed text from JSON, and one form of it from the next. */
const PREFIX = "slipway-sealed-1:";

/** Seals the objects of the resources that `appliesTo` names, each bound to its key. The text is ASCII: a prefix and base64. */
export function sealer(keys: MasterKeys, appliesTo: (resource: Pick<ObjectKey, "group" | "resource">) => boolean): Sealer {
  return {
    seals: appliesTo,
    seal: (text, key) => `${PREFIX}${Buffer.from(seal(keys, PURPOSE, Buffer.from(text, "utf8"), keyText(key))).toString("base64")}`,
    open(sealed, key) {
      const what = `${key.resource} "${key.name}"${key.namespace === "" ? "" : ` in the namespace "${key.namespace}"`}`;
      if (!sealed.startsWith(PREFIX))
        throw new PortError(
          "refused",
          `${what} lies in the store unsealed or in a form this version of Slipway does not read; write it anew`,
          { reason: "Sealed" },
        );
      return Buffer.from(unseal(keys, PURPOSE, Buffer.from(sealed.slice(PREFIX.length), "base64"), keyText(key), what)).toString("utf8");
    },
  };
}

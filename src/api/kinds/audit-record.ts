import { recordKind } from "../record-kind.ts";

/** Who wrote what, when. */
export const auditRecordKind = recordKind({
  kind: "AuditRecord",
  resource: "auditrecords",
  singular: "auditrecord",
  shortNames: ["audit"],
  description:
    "AuditRecord says who changed what, when, and what it was before and after. It is written with the change itself and never altered.",
});

import { recordKind } from "../record-kind.ts";

/** What happened to the things of a project. */
export const timelineRecordKind = recordKind({
  kind: "TimelineRecord",
  resource: "timelinerecords",
  singular: "timelinerecord",
  shortNames: ["timeline"],
  description: "TimelineRecord is something that happened to a thing of a project, kept longer than an Event. It is never altered.",
});

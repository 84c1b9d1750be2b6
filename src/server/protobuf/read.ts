import { badRequest } from "../verbs/refuse.ts";
import type { ReadProtobuf } from "../http/body.ts";

export function protobufReader(): ReadProtobuf {
  return () => {
    throw badRequest("protobuf is not read yet");
  };
}

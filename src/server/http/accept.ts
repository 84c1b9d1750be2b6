import { ApiFailure } from "../../api/status.ts";

/** How an answer is shaped; always written as JSON. */
export type AnswerForm = "object" | "table" | "metadata" | "metadataList";

const TYPES = ["application/json"];

/**
 * Reads an Accept header: the first form in it that is served here. Clients list protobuf first and JSON after it; then JSON it is.
 * Throws ApiFailure 406 when nothing in it is served.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function answerFormOf(accept: string | undefined): AnswerForm {
  if (accept === undefined || accept.trim() === "") return "object";
  for (const clause of byPreference(accept)) {
    const form = formOf(clause);
    if (form !== undefined) return form;
  }
  throw new ApiFailure({ error: "notAcceptable", accepted: TYPES });
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const MOST_CLAUSES = 50;

function byPreference(accept: string): readonly Clause[] {
  const clauses = accept.split(",", MOST_CLAUSES).map(clauseOf);
  return clauses.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
}

function clauseOf(text: string): Clause {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(rest.map((part) => [part.split("=")[0]?.trim().toLowerCase() ?? "", (part.split("=")[1] ?? "").trim()]));
  const quality = Number(parameters.get("q") ?? "1");
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

function formOf({ type, parameters }: Clause): AnswerForm | undefined {
  if (type !== "application/json" && type !== "application/*" && type !== "*/*") return undefined;
  const as = parameters.get("as");
  if (as === undefined) return "object";
  if (parameters.get("g") !== "meta.k8s.io" || parameters.get("v") !== "v1") return undefined;
  if (as === "Table") return "table";
  if (as === "PartialObjectMetadata") return "metadata";
  return as === "PartialObjectMetadataList" ? "metadataList" : undefined;
}

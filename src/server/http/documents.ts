import { Readable } from "node:stream";
import type { Catalog } from "../../api/catalog.ts";
import { ApiFailure } from "../../api/status.ts";
import {
  AGGREGATED_TYPES,
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  rootPaths,
  versionInfo,
} from "../discovery.ts";
import { documentOf, type Document } from "../document.ts";
import { openApiV2 } from "../openapi-v2.ts";
import { OPENAPI_V2_PROTOBUF, OPENAPI_V2_PROTOBUF_ANSWER, openApiV2Protobuf } from "../openapi-v2-protobuf.ts";
import { openApiV3 } from "../openapi-v3.ts";
import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./request.ts";

/** What the server says of itself: discovery, OpenAPI, version. Made when first asked for, and then kept. */
export interface Documents {
  /** The answer to a GET of one of these paths; undefined where the path is none of them. Throws ApiFailure 404 for a group that is not served. */
  answer(request: ApiRequest): Answer | undefined;
}

export function documents(catalog: Catalog, release: string): Documents {
  const made = new Map<string, Document>();
  const keep = (name: string, content: () => unknown): Document => {
    const document = made.get(name) ?? documentOf(content());
    made.set(name, document);
    return document;
  };
  let v3: ReturnType<typeof openApiV3> | undefined;
  let v2Protobuf: Encoded | undefined;
  return {
    answer(request) {
      const { segments } = request;
      switch (segments[0]) {
        case undefined:
          return plain(
            request,
            keep("root", () => rootPaths(catalog)),
          );
        case "version":
          return segments.length > 1
            ? undefined
            : plain(
                request,
                keep("version", () => versionInfo(release, { version: process.version, platform: `${process.platform}/${process.arch}` })),
              );
        case "api":
        case "apis":
          return discovery(catalog, keep, request);
        case "openapi":
          v3 ??= openApiV3(catalog, release);
          if (isForV2Protobuf(request)) return protobuf(request, (v2Protobuf ??= encoded(openApiV2Protobuf(openApiV2(catalog, release)))));
          return openApi(v3, () => keep("v2", () => openApiV2(catalog, release)), request);
        default:
          return undefined;
      }
    },
  };
}

type Keep = (name: string, content: () => unknown) => Document;

function discovery(catalog: Catalog, keep: Keep, request: ApiRequest): Answer | undefined {
  const [root, first, second, ...more] = request.segments;
  const isCore = root === "api";
  if (first === undefined) return rootOfDiscovery(catalog, keep, request, isCore);
  if (more.length > 0) return undefined;
  if (isCore) return second === undefined ? found(request, resourceList(catalog, keep, "", first)) : undefined;
  if (second === undefined)
    return found(request, apiGroup(catalog, first) === undefined ? undefined : keep(`/apis/${first}`, () => apiGroup(catalog, first)));
  return found(request, resourceList(catalog, keep, first, second));
}

/** Clients that know aggregated discovery get everything in one answer. */
function rootOfDiscovery(catalog: Catalog, keep: Keep, request: ApiRequest, isCore: boolean): Answer {
  const part = isCore ? "core" : "named";
  const wanted = aggregatedVersion(request.headers.accept ?? "");
  if (wanted === undefined)
    return plain(
      request,
      keep(part, () => (isCore ? apiVersions(catalog) : apiGroupList(catalog))),
    );
  return plain(
    request,
    keep(`${part} ${wanted}`, () => aggregatedDiscovery(catalog, part, wanted)),
    AGGREGATED_TYPES[wanted],
  );
}

function aggregatedVersion(accept: string): keyof typeof AGGREGATED_TYPES | undefined {
  const clauses = accept.split(",").map((clause) => clause.replaceAll(/\s/g, ""));
  for (const clause of clauses) {
    if (!clause.startsWith("application/json") || !clause.includes("as=APIGroupDiscoveryList") || !clause.includes("g=apidiscovery.k8s.io"))
      continue;
    if (/;v=v2(;|$)/.test(clause)) return "v2";
    if (/;v=v2beta1(;|$)/.test(clause)) return "v2beta1";
  }
  return undefined;
}

function resourceList(catalog: Catalog, keep: Keep, group: string, version: string): Document | undefined {
  return apiResourceList(catalog, group, version) === undefined
    ? undefined
    : keep(`resources ${group}/${version}`, () => apiResourceList(catalog, group, version));
}

function openApi(v3: ReturnType<typeof openApiV3>, v2: () => Document, request: ApiRequest): Answer | undefined {
  const [, version, ...path] = request.segments;
  if (version === "v2" && path.length === 0) return plain(request, v2());
  if (version !== "v3") return undefined;
  return path.length === 0 ? plain(request, v3.index) : found(request, v3.documents.get(path.join("/")));
}

const isForV2Protobuf = ({ segments, headers }: ApiRequest): boolean =>
  segments[1] === "v2" && segments.length === 2 && (headers.accept ?? "").startsWith(OPENAPI_V2_PROTOBUF);

interface Encoded {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

const encoded = (bytes: Uint8Array): Encoded => ({ bytes, etag: documentOf(Buffer.from(bytes).toString("base64")).etag });

function protobuf(request: ApiRequest, { bytes, etag }: Encoded): Answer {
  const headers = { etag, vary: "Accept", "cache-control": "public" };
  const contentType = OPENAPI_V2_PROTOBUF_ANSWER;
  if (isKnown(request, etag)) return { type: "text", code: 304, contentType, body: "", headers };
  return { type: "stream", contentType, headers: { ...headers, "content-length": String(bytes.length) }, bytes: Readable.from([bytes]) };
}

function found(request: ApiRequest, document: Document | undefined): Answer {
  if (document === undefined) throw new ApiFailure({ error: "noSuchPath" });
  return plain(request, document);
}

function plain(request: ApiRequest, document: Document, contentType = "application/json"): Answer {
  const headers = { etag: document.etag, vary: "Accept", "cache-control": "public" };
  if (isKnown(request, document.etag)) return { type: "text", code: 304, contentType, body: "", headers };
  return { type: "text", code: 200, contentType, body: document.body, headers };
}

/** Whether the client has it already: https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match */
function isKnown({ headers }: ApiRequest, etag: string): boolean {
  const tags = (headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}

import { apiVersionOf, type Kind } from "../../api/kind.ts";
import type { ResourceVersion } from "../../domain/object/api-object.ts";
import type { JsonObject } from "../../domain/object/json.ts";
import type { Instant } from "../../domain/units.ts";
import type { ListPage, StoredObject } from "../../ports/resources.ts";
import { listMetadata, partialOf, type Page } from "../partial.ts";
import { tableOf, type IncludeObject } from "../table.ts";
import type { WatchMessage } from "../verbs/watch.ts";
import type { AnswerForm } from "./accept.ts";
import type { Answer } from "./answer.ts";
import { continueToken } from "./continue-token.ts";
import type { Status } from "../../api/status.ts";

/** How this request wants its objects. */
export interface Shape {
  readonly form: AnswerForm;
  readonly kind: Kind;
  readonly now: () => Instant;
  readonly includeObject: IncludeObject;
}

/** One object; stored text goes out as it is where nothing is to be reshaped. */
export function objectText(shape: Shape, stored: StoredObject): string {
  switch (shape.form) {
    case "object":
    case "metadataList":
      return stored.json;
    case "metadata":
      return JSON.stringify(partialOf(stored.object));
    case "table":
      return tableText(shape, [stored], { resourceVersion: String(stored.resourceVersion) });
  }
}

/** A page of a list, written without parsing what is stored where nothing is to be reshaped. */
export function listAnswer(shape: Shape, page: ListPage): Answer {
  const metadata = {
    resourceVersion: String(page.resourceVersion),
    ...(page.next === undefined ? {} : { continue: continueToken(page.next) }),
  };
  switch (shape.form) {
    case "object":
      return listOf(`${shape.kind.kind}List`, apiVersionOf(shape.kind), listMetadata(metadata), page.items, (stored) => stored.json);
    case "metadata":
    case "metadataList":
      return listOf("PartialObjectMetadataList", META, listMetadata(metadata), page.items, (stored) =>
        JSON.stringify(partialOf(stored.object)),
      );
    case "table":
      return { type: "json", code: 200, body: tableText(shape, page.items, metadata) };
  }
}

/** One line of a watch, newline included. */
export function watchLines(shape: Shape, statusOfExpired: (error: unknown) => Status): (message: WatchMessage) => string {
  let isFirst = true;
  return (message) => {
    switch (message.type) {
      case "added":
      case "modified":
      case "deleted": {
        const text =
          shape.form === "table"
            ? tableText(shape, [message.object], { resourceVersion: String(message.object.resourceVersion) }, isFirst)
            : objectText(shape, message.object);
        isFirst = false;
        return `{"type":"${message.type.toUpperCase()}","object":${text}}\n`;
      }
      case "bookmark":
        return `{"type":"BOOKMARK","object":${JSON.stringify(bookmark(shape, message.resourceVersion, message.initialEventsEnd))}}\n`;
      case "error":
        return `{"type":"ERROR","object":${JSON.stringify(statusOfExpired(message.error))}}\n`;
    }
  };
}

const META = "meta.k8s.io/v1";

function* textsOf(items: readonly StoredObject[], textOf: (stored: StoredObject) => string): Iterable<string> {
  for (const stored of items) yield textOf(stored);
}

function listOf(
  kind: string,
  apiVersion: string,
  metadata: JsonObject,
  items: readonly StoredObject[],
  textOf: (stored: StoredObject) => string,
): Answer {
  const head = JSON.stringify({ kind, apiVersion, metadata });
  return { type: "list", before: `${head.slice(0, -1)},"items":[`, items: textsOf(items, textOf), after: "]}" };
}

function tableText(shape: Shape, items: readonly StoredObject[], page: Omit<Page, "items">, withColumns = true): string {
  const objects = items.map(({ object }) => object);
  return JSON.stringify(
    tableOf(shape.kind, { items: objects, ...page }, { now: shape.now(), includeObject: shape.includeObject, withColumns }),
  );
}

/** A bookmark carries nothing but the version it marks: https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks */
function bookmark(shape: Shape, version: ResourceVersion, initialEventsEnd: boolean): JsonObject {
  const metadata = {
    resourceVersion: String(version),
    ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
  };
  switch (shape.form) {
    case "object":
      return { kind: shape.kind.kind, apiVersion: apiVersionOf(shape.kind), metadata };
    case "metadata":
    case "metadataList":
      return { kind: "PartialObjectMetadata", apiVersion: META, metadata };
    case "table":
      return { kind: "Table", apiVersion: META, metadata, columnDefinitions: [], rows: [] };
  }
}

import { setImmediate as nextTurn } from "node:timers/promises";
import { manifestLimits, manifestSuffixes } from "../../ports/manifests.ts";
import type {
  DocumentPath,
  ManifestFile,
  ManifestLimits,
  ManifestProblem,
  Manifests,
  ParsedManifests,
  ParsedObject,
  Position,
} from "../../ports/manifests.ts";
import { editValue } from "./edit.ts";
import { fileContent } from "./file-content.ts";
import type { FileContent, FoundObject } from "./file-content.ts";
import { locateIn } from "./locate.ts";
import { sourceText } from "./source-text.ts";

export interface YamlOptions {
  readonly limits?: Partial<ManifestLimits>;
  /** Bytes of source whose objects are remembered, by the id of the content. */
  readonly rememberedBytes?: number;
}

const turnMs = 10;

/** Manifests in YAML 1.2 and JSON, through the `yaml` library: it gives the place of every node, where js-yaml, three times as fast, gives none. */
export function yamlManifests(options: YamlOptions = {}): Manifests {
  const limits = { ...manifestLimits, ...options.limits };
  const remembered = new Remembered(options.rememberedBytes ?? 64 << 20);
  return {
    edit: editValue,
    async parse(files, signal, root = "") {
      const all: { readonly file: ManifestFile; readonly found: FoundObject }[] = [];
      const problems: ManifestProblem[] = [];
      let turn = performance.now();
      for (const file of files) {
        if (!isManifest(file.path, root)) continue;
        if (isKustomization(file.path)) problems.push(kustomization(file.path));
        else {
          const { objects, findings } = remembered.content(file, limits);
          for (const found of objects) all.push({ file, found });
          for (const finding of findings) problems.push({ file: file.path, ...finding });
        }
        if (performance.now() - turn < turnMs) continue;
        await nextTurn(undefined, { signal });
        turn = performance.now();
      }
      return parsed(all, problems, limits);
    },
  };
}

function parsed(
  all: readonly { readonly file: ManifestFile; readonly found: FoundObject }[],
  problems: readonly ManifestProblem[],
  limits: ManifestLimits,
): ParsedManifests {
  const objects = all.map(({ file, found: { object, line, column } }): ParsedObject => ({ object, file: file.path, line, column }));
  const locate = (index: number, path: DocumentPath): Position => {
    const entry = all[index];
    if (!entry) throw new RangeError(`there is no object ${index}; there are ${all.length}`);
    const { file, found } = entry;
    const source = sourceText(file.bytes, limits.fileBytes);
    const whole = found.item === undefined ? path : ["items", found.item, ...path];
    const at = "text" in source ? locateIn(source.text, found.document, whole, limits) : found;
    return { file: file.path, line: at.line, column: at.column };
  };
  return { objects, problems, locate };
}

/** What was read of contents before, least recently used first out. */
class Remembered {
  readonly most: number;
  readonly entries = new Map<string, { readonly content: FileContent; readonly bytes: number }>();
  bytes = 0;

  constructor(most: number) {
    this.most = most;
  }

  content(file: ManifestFile, limits: ManifestLimits): FileContent {
    if (file.id === undefined) return fileContent(file.bytes, limits);
    const known = this.entries.get(file.id);
    const entry = known ?? { content: fileContent(file.bytes, limits), bytes: file.bytes.length + 256 };
    this.entries.delete(file.id);
    this.entries.set(file.id, entry); // last in the order of a Map is the most recently used
    if (!known) this.bytes += entry.bytes;
    this.forget();
    return entry.content;
  }

  forget(): void {
    for (const [id, { bytes }] of this.entries) {
      if (this.bytes <= this.most) return;
      this.entries.delete(id);
      this.bytes -= bytes;
    }
  }
}

function isManifest(path: string, root: string): boolean {
  const below =
    root !== "" && path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path === root ? (path.split("/").at(-1) ?? path) : path;
  return (
    (manifestSuffixes.some((suffix) => path.endsWith(suffix)) || isKustomization(path)) &&
    !below.split("/").some((part) => part.startsWith("."))
  );
}

// https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization
const isKustomization = (path: string): boolean => /(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/.test(path);

const kustomization = (file: string): ManifestProblem => ({
  file,
  line: 1,
  column: 1,
  code: "kustomization",
  severity: "error",
  message: "this folder is for Kustomize, which is not supported yet",
  hint: "commit the output of `kustomize build` and point spec.path at it; renderers come with a later version",
});

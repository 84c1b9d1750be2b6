import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import type { ManifestProblemCode, ParsedManifests } from "../../ports/manifests.ts";
import { ManifestEditRefused } from "../../ports/manifests.ts";
import { yamlManifests } from "./manifests.ts";

const manifests = yamlManifests();
const calm = new AbortController().signal;
const read = (text: string | Uint8Array, path = "a.yaml"): Promise<ParsedManifests> =>
  manifests.parse([{ path, bytes: typeof text === "string" ? Buffer.from(text) : text }], calm);
const thing = (name: string, more = "") => `apiVersion: v1\nkind: Thing\nmetadata:\n  name: ${name}\n${more}`;
const names = (result: ParsedManifests) => result.objects.map(({ object }) => (object["metadata"] as { name: string }).name); // every test object has one

describe("manifests in YAML", () => {
  test("several documents, empty ones between them, each with its place", async () => {
    const result = await read(`# first\n---\n${thing("one")}---\n# nothing\n---\n${thing("two")}...\n`);
    assert.deepEqual(names(result), ["one", "two"]);
    assert.deepEqual(
      result.objects.map(({ file, line, column }) => ({ file, line, column })),
      [
        { file: "a.yaml", line: 3, column: 1 },
        { file: "a.yaml", line: 10, column: 1 },
      ],
    );
    assert.deepEqual(result.problems, []);
  });

  test("a List is its items, JSON is read too, CRLF and a byte order mark do no harm", async () => {
    const list = await read(
      `apiVersion: v1\nkind: List\nitems:\n- ${thing("one").trim().replaceAll("\n", "\n  ")}\n- ${thing("two").trim().replaceAll("\n", "\n  ")}\n`,
    );
    assert.deepEqual(names(list), ["one", "two"]);
    assert.deepEqual(
      list.objects.map(({ line, column }) => [line, column]),
      [
        [4, 3],
        [8, 3],
      ],
    );
    assert.deepEqual(list.locate(1, ["metadata", "name"]), { file: "a.yaml", line: 11, column: 5 });
    const json = await read('{"apiVersion":"v1","kind":"Thing","metadata":{"name":"j"},"spec":{"t":"\\u00e9\\t","n":1e3}}', "a.json");
    assert.deepEqual(json.objects[0]?.object, { apiVersion: "v1", kind: "Thing", metadata: { name: "j" }, spec: { t: "é\t", n: 1000 } });
    assert.deepEqual(names(await read(`\ufeff${thing("crlf").replaceAll("\n", "\r\n")}`)), ["crlf"]);
  });

  test("only manifests count: other endings and hidden files are left out, hidden folders above the root are not", async () => {
    const bytes = Buffer.from(thing("x"));
    const paths = ["a.yaml", "b.yml", "c.json", "d.txt", ".e.yaml", "f/.g/h.yaml", "README.md", "a.yaml.bak"];
    const result = await manifests.parse(
      paths.map((path) => ({ path, bytes })),
      calm,
    );
    assert.deepEqual(
      result.objects.map(({ file }) => file),
      ["a.yaml", "b.yml", "c.json"],
    );
    assert.equal(
      (
        await manifests.parse(
          [
            { path: ".deploy/a.yaml", bytes },
            { path: ".deploy/.x/a.yaml", bytes },
          ],
          calm,
          ".deploy",
        )
      ).objects.length,
      1,
    );
  });

  const faults: readonly {
    readonly name: string;
    readonly text: string | Uint8Array;
    readonly code: ManifestProblemCode;
    readonly says: RegExp;
    readonly at?: readonly [number, number];
    readonly path?: string;
  }[] = [
    {
      name: "bytes that are not UTF-8",
      text: Buffer.concat([Buffer.from("a: é\nb: "), Buffer.from([0xff, 0x20])]),
      code: "notUtf8",
      says: /byte 9 is not UTF-8/,
      at: [2, 4],
    },
    { name: "UTF-16", text: Buffer.from("\ufeffa: b", "utf16le"), code: "notUtf8", says: /UTF-16/, at: [1, 1] },
    {
      name: "a cut character at the end",
      text: Buffer.concat([Buffer.from("a: x"), Buffer.from([0xe2, 0x82])]),
      code: "notUtf8",
      says: /byte 4/,
      at: [1, 5],
    },
    { name: "a control character", text: "a: b\nc: \u0007", code: "controlCharacter", says: /U\+0007/, at: [2, 4] },
    { name: "a NUL", text: "a: \0", code: "controlCharacter", says: /U\+0000/, at: [1, 4] },
    { name: "bad indentation", text: "a:\n  b: 1\n c: 2\n", code: "syntax", says: /./, at: [3, 1] },
    { name: "a tab as indentation", text: "a:\n\tb: 1\n", code: "syntax", says: /[Tt]ab/ },
    { name: "an open quote", text: 'a: "b\n', code: "syntax", says: /quote/ },
    { name: "a name twice", text: thing("x", "spec: 1\nspec: 2\n"), code: "duplicateKey", says: /"spec" is there twice/, at: [6, 1] },
    { name: "a template", text: thing("{{ .Values.name }}"), code: "template", says: /template/ },
    { name: "a template with control flow", text: `{{- if .Values.on }}\n${thing("x")}{{- end }}\n`, code: "template", says: /template/ },
    { name: "a plain text", text: "hello\n", code: "notAnObject", says: /single value/ },
    { name: "a list", text: "- a\n- b\n", code: "notAnObject", says: /a list/ },
    {
      name: "an object without kind and name",
      text: "\napiVersion: v1\n",
      code: "incomplete",
      says: /no kind and no metadata\.name/,
      at: [2, 1],
    },
    { name: "a numeric name", text: thing("12"), code: "incomplete", says: /metadata\.name/ },
    {
      name: "an item that is no object",
      text: "apiVersion: v1\nkind: List\nitems:\n- 1\n",
      code: "notAnObject",
      says: /item 0/,
      at: [4, 3],
    },
    {
      name: "100 levels",
      text: thing("x", `spec:\n${Array.from({ length: 100 }, (_, at) => `${"  ".repeat(at + 1)}a:`).join("\n")}\n`),
      code: "tooDeep",
      says: /more than 64 deep/,
    },
    {
      name: "100 levels of brackets",
      text: thing("x", `spec: ${"[".repeat(100)}${"]".repeat(100)}\n`),
      code: "tooDeep",
      says: /more than 64 deep/,
    },
    { name: "a million brackets", text: "[".repeat(1_000_000), code: "tooDeep", says: /nested/ },
    { name: "a million brackets of maps", text: "{a: ".repeat(250_000), code: "tooDeep", says: /nested/ },
    { name: "a million dashes", text: "- ".repeat(500_000), code: "tooDeep", says: /nested/ },
    { name: "an alias bomb", text: bomb(), code: "tooManyAliases", says: /aliases stand for more than 10000/ },
    { name: "an alias to itself", text: "a: &a [*a]\n", code: "tooDeep", says: /nested/ },
    { name: "an alias to nothing", text: "a: *b\n", code: "unsupportedValue", says: /stands for nothing/ },
    { name: "an own tag", text: thing("x", "spec: !!js/function 'x'\n"), code: "unsupportedValue", says: /tag/, at: [5, 7] },
    { name: "infinity", text: thing("x", "spec: .inf\n"), code: "unsupportedValue", says: /JSON/, at: [5, 7] },
    { name: "a map as a name", text: thing("x", "? {a: 1}\n: b\n"), code: "syntax", says: /keys must be strings/ },
    { name: "__proto__", text: thing("x", "__proto__: {polluted: true}\n"), code: "unsupportedValue", says: /__proto__/, at: [5, 1] },
    { name: "too many documents", text: "---\na: 1\n".repeat(5001), code: "tooManyDocuments", says: /5001 documents/ },
    { name: "a file that is too large", text: "a".repeat((1 << 20) + 1), code: "tooLarge", says: /1048577 bytes/ },
    { name: "a kustomization", text: "resources: []\n", code: "kustomization", says: /not supported yet/, path: "base/kustomization.yaml" },
  ];
  for (const { name, text, code, says, at, path } of faults)
    test(`${name} is a problem with its place and a way out`, async () => {
      const result = await read(text, path);
      const [problem] = result.problems.filter(({ severity }) => severity === "error");
      assert.equal(problem?.code, code, JSON.stringify(result.problems));
      assert.match(problem.message, says);
      assert.ok(problem.hint.length > 5 && problem.line >= 1 && problem.column >= 1);
      if (at) assert.deepEqual([problem.line, problem.column], at);
      assert.deepEqual(result.objects, []);
    });

  test("one bad file or document leaves the others in", async () => {
    const result = await manifests.parse(
      [
        { path: "bad.yaml", bytes: Buffer.from("a: [\n") },
        { path: "good.yaml", bytes: Buffer.from(`${thing("one")}---\nb: {\n---\n${thing("two")}`) },
      ],
      calm,
    );
    assert.ok(names(result).includes("one"));
    assert.ok(result.problems.some(({ file }) => file === "bad.yaml") && result.problems.some(({ file }) => file === "good.yaml"));
  });

  test("nothing that a file holds reaches the prototype of other objects", async () => {
    await read(
      '{"apiVersion":"v1","kind":"T","metadata":{"name":"x"},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
      "a.json",
    );
    assert.equal("polluted" in {}, false);
  });

  for (const [source, said] of Object.entries({
    yes: /true for kubectl/,
    No: /false for kubectl/,
    on: /true/,
    OFF: /false/,
    y: /true/,
    "014": /14 here, and 12/,
    "089": /leading|elsewhere/,
    "12:30:45": /base 60/,
    "1_000": /number/,
    "12345678901234567890": /digits/,
  }))
    test(`a bare ${source} is read as YAML 1.2 says, with a warning`, async () => {
      const result = await read(thing("x", `spec:\n  value: ${source}\n  quoted: "${source}"\n`));
      assert.deepEqual(
        result.problems.map(({ severity, code, line, column }) => ({ severity, code, line, column })),
        [{ severity: "warning", code: "ambiguousValue", line: 6, column: 10 }],
      );
      assert.match(`${result.problems[0]?.message ?? ""} ${result.problems[0]?.hint ?? ""}`, said);
      assert.equal(result.objects.length, 1);
    });

  for (const source of ["true", "0", "0.5", "10", "-1", "0x1f", "1e3", "v1", "10m", "1Gi", "2026-01-01", "name", "null", "~", "0o17"])
    test(`a bare ${source} means the same everywhere`, async () =>
      assert.deepEqual((await read(thing("x", `spec: ${source}\n`))).problems, []));

  test("merge keys and modest aliases are resolved", async () => {
    const { objects, problems } = await read(thing("x", "base: &b {a: 1, b: 2}\nspec:\n  <<: *b\n  b: 3\nagain: *b\n"));
    assert.deepEqual(problems, []);
    assert.deepEqual(objects[0]?.object["spec"], { a: 1, b: 3 });
    assert.deepEqual(objects[0].object["again"], { a: 1, b: 2 });
  });

  test("locate finds any value, or the nearest thing around one that is missing", async () => {
    const result = await read(`# c\n---\n${thing("x")}---\n${thing("y", "spec:\n  list:\n  - a: 1\n  - b:\n      c: 2\n")}`);
    const at = (path: (string | number)[]) => {
      const { line, column } = result.locate(1, path);
      return [line, column];
    };
    assert.deepEqual(at(["spec", "list", 1, "b", "c"]), [16, 7]);
    assert.deepEqual(at(["spec", "list", 0]), [14, 5]);
    assert.deepEqual(at(["spec", "missing", "deep"]), [12, 1]);
    assert.deepEqual(at([]), [8, 1]);
  });

  test("equal content is parsed once, and what is remembered is bounded", async () => {
    const small = yamlManifests({ rememberedBytes: 2000 });
    const one = { path: "1.yaml", bytes: Buffer.from(thing("one")), id: "1" };
    const first = await small.parse([one, { ...one, path: "2.yaml" }], calm);
    assert.equal(first.objects[0]?.object, first.objects[1]?.object);
    assert.deepEqual(
      first.objects.map(({ file }) => file),
      ["1.yaml", "2.yaml"],
    );
    await small.parse(
      Array.from({ length: 50 }, (_, at) => ({ path: `${at}.yaml`, bytes: Buffer.from(thing(`t${at}`)), id: `t${at}` })),
      calm,
    );
    assert.notEqual((await small.parse([one], calm)).objects[0]?.object, first.objects[0]?.object);
  });

  test("a cancelled parse ends", async () => {
    const files = Array.from({ length: 2000 }, (_, at) => ({
      path: `${at}.yaml`,
      bytes: Buffer.from(thing(`x${at}`, `spec: ${JSON.stringify(Array.from({ length: 100 }, (_, n) => n))}\n`)),
    }));
    await assert.rejects(manifests.parse(files, AbortSignal.abort()), { name: "AbortError" });
  });

  test("law: any JSON value written as YAML or JSON is read back equal, in time that does not explode", () =>
    fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 5 }), async (value) => {
        const result = await read(JSON.stringify({ apiVersion: "v1", kind: "Thing", metadata: { name: "x" }, spec: value }), "a.json");
        if (result.problems.some(({ severity }) => severity === "error")) return; // __proto__, control characters
        assert.deepEqual(result.objects[0]?.object["spec"], JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 },
    ));

  test("law: no bytes make it throw", () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc
            .string({ unit: fc.constantFrom(...Array.from("{}[]:,-&*!|>'\"%@`#?\n\r\t ab1~<=")), maxLength: 80 })
            .map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const { objects, problems } = await read(bytes);
          assert.ok(Array.isArray(objects) && problems.every(({ line, column }) => line >= 1 && column >= 1));
        },
      ),
      { numRuns: 2000 },
    ));
});

function bomb(): string {
  const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let at = 1; at < 9; at += 1)
    lines.push(
      `a${at}: &a${at} [${Array(9)
        .fill(`*a${at - 1}`)
        .join(",")}]`,
    );
  return `${lines.join("\n")}\n`;
}

describe("one edited value", () => {
  const text =
    '# head\nspec:\n  release: shop-1   # why\n  quoted: "a"\n  single: \'b\'\n  list: [1, "two", three]\n  empty:\n  block: |\n    l1\n    l2\n  after: 1\n';
  const cases: readonly {
    readonly name: string;
    readonly path: (string | number)[];
    readonly value: string | number | boolean | null;
    readonly line: string;
  }[] = [
    { name: "a plain text", path: ["spec", "release"], value: "shop-2", line: "  release: shop-2   # why" },
    { name: "a text that needs quotes", path: ["spec", "release"], value: "true", line: '  release: "true"   # why' },
    { name: "a number", path: ["spec", "after"], value: 42, line: "  after: 42" },
    { name: "a text in double quotes", path: ["spec", "quoted"], value: "x", line: '  quoted: "x"' },
    { name: "a text in single quotes", path: ["spec", "single"], value: "it's", line: "  single: 'it''s'" },
    { name: "an item of a flow list", path: ["spec", "list", 2], value: "a, b]", line: '  list: [1, "two", "a, b]"]' },
    { name: "nothing", path: ["spec", "empty"], value: "x", line: "  empty: x" },
    { name: "a block text", path: ["spec", "block"], value: "l1\nl3\n", line: '  block: "l1\\nl3\\n"' },
    { name: "several lines", path: ["spec", "release"], value: "a\nb", line: '  release: "a\\nb"   # why' },
  ];
  for (const { name, path, value, line } of cases)
    test(`${name} is replaced and every other line kept`, () => {
      const edited = manifests.edit(text, path, value);
      assert.ok(edited.split("\n").includes(line), edited);
      const kept = text.split("\n").filter((old) => old !== "" && edited.split("\n").includes(old));
      assert.ok(kept.length >= text.split("\n").length - (name === "a block text" ? 4 : 2), edited);
    });

  test("CRLF, other documents and a value that is there already are kept to the byte", () => {
    const crlf = "a: 1\r\nb: x # c\r\n---\r\na: 2\r\n";
    assert.equal(manifests.edit(crlf, ["b"], "y"), "a: 1\r\nb: y # c\r\n---\r\na: 2\r\n");
    assert.equal(manifests.edit(crlf, ["a"], 3, 1), "a: 1\r\nb: x # c\r\n---\r\na: 3\r\n");
    assert.equal(manifests.edit(crlf, ["a"], 1), crlf);
  });

  test("a new name goes to the end of its map", () => {
    assert.equal(manifests.edit("a:\n  b: 1 # c\nd: 2\n", ["a", "new"], "x"), "a:\n  b: 1 # c\n  new: x\nd: 2\n");
    assert.equal(manifests.edit("a: 1", ["b"], { c: [1] }), "a: 1\nb:\n  c:\n    - 1\n");
  });

  for (const { name, source, path, value } of [
    { name: "a missing parent", source: "a: 1\n", path: ["b", "c"], value: 1 },
    { name: "a map in place of which a value should stand", source: "a:\n  b: 1\n", path: ["a"], value: 1 },
    { name: "a value shared by an alias", source: "a: &x 1\nb: *x\n", path: ["a"], value: 2 },
    { name: "text that is not valid", source: "a: [\n", path: ["a"], value: 1 },
    { name: "a document that is not there", source: "", path: ["a"], value: 1 },
  ])
    test(`${name} is refused`, () => assert.throws(() => manifests.edit(source, path, value), ManifestEditRefused));

  test("law: after an edit the value is the new one and the rest is equal", () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minKeys: 1 }),
        fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
        (map, value) => {
          const [name = ""] = Object.keys(map);
          const source = JSON.stringify({ spec: map }, null, 2);
          if (/[\u007f]/.test(source)) return;
          assert.deepEqual(parse(manifests.edit(source, ["spec", name], value)), { spec: { ...map, [name]: value } });
        },
      ),
    ));
});

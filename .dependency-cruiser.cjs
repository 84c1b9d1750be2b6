// The import table of the design (ARCHITECTURE.md): which folder may import which. Test files stand beside the code and are free, as `test` is.
const tests = "\\.test\\.ts$";
const testing = "\\.(test|contract)\\.ts$";
const notTests = { pathNot: testing };

/** Inside src, `folder` may import only the paths in `allowed`. */
const only = (folder, allowed, severityNote) => ({
  name: `${folder}-imports`,
  comment: severityNote,
  severity: "error",
  from: { path: `^src/${folder}/`, ...notTests },
  to: { path: "^(src|test|scripts)/", pathNot: [`^src/${folder}/`, ...allowed] },
});

/** From `folder` to src/api only types. */
const apiTypesOnly = (folder) => ({
  name: `${folder}-api-types`,
  comment: `${folder} may use the types of api, not its code`,
  severity: "error",
  from: { path: `^src/${folder}/`, ...notTests },
  to: { path: "^src/api/", dependencyTypesNot: ["type-only"] },
});

/** `folder` uses no npm package but those in `allowed`. */
const libraries = (folder, allowed) => ({
  name: `${folder}-libraries`,
  comment: `${folder} may use ${allowed.length === 0 ? "no library" : `no library but ${allowed.join(", ")}`}`,
  severity: "error",
  from: { path: `^src/${folder}/`, ...notTests },
  to: { path: "node_modules/", pathNot: allowed.map((name) => `node_modules/${name}/`) },
});

/** `folder` uses no module of Node but those in `allowed`. */
const nodeModules = (folder, allowed, files = {}) => ({
  name: `${folder}-node`,
  comment: `${folder} may use ${allowed.length === 0 ? "no module of Node" : `no module of Node but ${allowed.join(", ")}`}`,
  severity: "error",
  from: { path: `^src/${folder}/`, pathNot: [testing, ...(files.except ?? [])] },
  to: { dependencyTypes: ["core"], pathNot: allowed.map((name) => `^(node:)?${name}$`) },
});

/** A library that one place alone may use. */
const belongsTo = (library, places) => ({
  name: `${library}-belongs`,
  comment: `${library} is used in ${places.join(", ")} only`,
  severity: "error",
  from: { path: "^src/", pathNot: [testing, ...places.map((place) => `^src/${place}/`)] },
  to: { path: `node_modules/(@types/)?${library}/` },
});

const domain = "^src/domain/";
const api = "^src/api/";
const ports = "^src/ports/";
const wire = "^src/wire/";

module.exports = {
  forbidden: [
    only("domain", [], "domain imports only itself"),
    libraries("domain", []),
    nodeModules("domain", []),

    only("api", [domain], "api imports domain and the schema library"),
    libraries("api", ["typebox"]),
    // The client is the one part of api that speaks to the network.
    nodeModules("api", [], { except: ["^src/api/client"] }),

    only("ports", [domain, api], "ports import domain and the types of api"),
    apiTypesOnly("ports"),
    libraries("ports", []),
    nodeModules("ports", []),

    only("engine", [ports, domain, api], "engine imports ports, domain, api"),
    // The tracing API is a facade without I/O. Chance and clocks come through ports, so that a simulation can replay them.
    libraries("engine", ["@opentelemetry/api"]),
    nodeModules("engine", ["util", "events"]),

    {
      name: "adapters-imports",
      comment: "an adapter imports itself, ports, domain, the types of api (router and supervisor: wire too); never another adapter",
      severity: "error",
      from: { path: "^src/adapters/([^/]+)/", ...notTests },
      to: { path: "^(src|test|scripts)/", pathNot: ["^src/adapters/$1/", ports, domain, api, wire] },
    },
    apiTypesOnly("adapters"),
    {
      name: "adapters-wire",
      comment: "only the adapters of the router and the supervisor speak their protocol",
      severity: "error",
      from: { path: "^src/adapters/", pathNot: [testing, "^src/adapters/(router|supervisor|process)/"] },
      to: { path: wire },
    },

    only("server", [ports, domain, api], "server imports ports, domain, api; it never sees a controller"),
    only("wire", [domain], "wire imports domain and the schema library"),
    libraries("wire", ["typebox"]),
    nodeModules("wire", []),
    only("router", [domain, wire], "router imports domain, wire, itself"),
    only("supervisor", [domain, wire], "supervisor imports domain, wire, itself"),
    only("cli", [api], "cli imports api"),

    belongsTo("kysely", ["adapters/postgres"]),
    belongsTo("pg", ["adapters/postgres"]),
    belongsTo("fastify", ["server"]),
    belongsTo("protobufjs", ["server"]),
    belongsTo("commander", ["cli", "main"]),

    {
      name: "nobody-imports-main-or-test",
      severity: "error",
      from: { path: "^src/", pathNot: [tests, "^src/main/"] },
      to: { path: "^(src/main|test|scripts)/" },
    },
    {
      name: "nobody-imports-a-test",
      severity: "error",
      from: {},
      to: { path: tests },
    },
    {
      name: "contracts-are-for-tests",
      severity: "error",
      from: { path: "^src/", pathNot: testing },
      to: { path: "\\.contract\\.ts$" },
    },
    {
      name: "contracts-know-no-adapter",
      comment: "a contract suite is written against the port; each adapter's test hands the adapter in",
      severity: "error",
      from: { path: "\\.contract\\.ts$" },
      to: { path: "^(src|test|scripts)/", pathNot: [ports, domain, api] },
    },
    {
      name: "no-cycle",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "resolvable",
      comment: "the file or package does not exist",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-development-library-in-the-product",
      severity: "error",
      from: { path: "^src/", pathNot: testing },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"], pathNot: "node_modules/@types/" },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    // Sees `import type` as well; without it the rules on types would hold nothing.
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".mjs", ".js", ".json"],
    },
  },
};

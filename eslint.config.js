import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** An `as` overrules the compiler, so the reader is owed a sentence why: a comment at the end of its line, or above the statement it stands in. */
const assertionSaysWhy = {
  meta: { type: "problem", schema: [], messages: { why: "Say why this `as` is right, in a comment on its line or the line above." } },
  create(context) {
    const commentLines = new Set(
      context.sourceCode.getAllComments().flatMap((comment) => range(comment.loc.start.line, comment.loc.end.line)),
    );
    return {
      TSAsExpression(node) {
        const type = node.typeAnnotation;
        const isConst = type.type === "TSTypeReference" && type.typeName.name === "const";
        if (isConst || type.type === "TSUnknownKeyword") return;
        const starts = [node, statementOf(node)].map((at) => at.loc.start.line - 1);
        if (![node.loc.end.line, node.loc.start.line, ...starts].some((line) => commentLines.has(line)))
          context.report({ node, messageId: "why" });
      },
    };
  },
};

function range(first, last) {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function statementOf(node) {
  let at = node;
  while (at.parent && !/Statement$|Declaration$|^PropertyDefinition$/.test(at.type)) at = at.parent;
  return at;
}

const clocksAndChance = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "Take the time as an argument: the domain has no clock." },
  { selector: "CallExpression[callee.name='Date']", message: "Take the time as an argument: the domain has no clock." },
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: "Take the time as an argument: the domain has no clock.",
  },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: "Take randomness as an argument: equal inputs give equal decisions.",
  },
];
const worldGlobals = [
  ...["crypto", "process", "fetch", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "performance", "console", "Buffer"],
  ...["globalThis", "global", "require", "navigator", "WebSocket", "structuredClone"],
];

export default defineConfig(
  globalIgnores(["node_modules/", "dist/", "coverage/", "examples/"]),
  // No eslint-disable anywhere: a rule that is wrong is changed here.
  { linterOptions: { noInlineConfig: true } },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    plugins: { slipway: { rules: { "assertion-says-why": assertionSaysWhy } } },
    rules: {
      eqeqeq: "error",
      "no-console": "off",
      "prefer-const": "error",
      "slipway/assertion-says-why": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", name: ["test", "describe", "it", "suite"], package: "node:test" }] },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: false },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: "only-allowed-literals" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { arguments: false } }],
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": "allow-with-description", minimumDescriptionLength: 10 }],
      // A port returns promises; its memory adapter has nothing to wait for.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/unified-signatures": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-dynamic-delete": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
    },
  },
  {
    files: ["**/*.test.ts", "**/*.contract.ts", "test/**/*.ts"],
    rules: {
      // A test may look into what the compiler cannot know; what it finds is asserted.
      "slipway/assertion-says-why": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      // @kubernetes/client-node declares its bodies as classes, and takes (and documents) plain literals.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    // One line for each kind of event that the reporter cares for, of the two dozen that Node knows.
    files: ["test/reporter.ts"],
    rules: { "@typescript-eslint/switch-exhaustiveness-check": "off" },
  },
  {
    files: ["src/domain/**/*.ts"],
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-syntax": ["error", ...clocksAndChance],
      "no-restricted-globals": [
        "error",
        ...worldGlobals.map((name) => ({ name, message: "The domain is pure: take what you need as an argument." })),
      ],
    },
  },
);

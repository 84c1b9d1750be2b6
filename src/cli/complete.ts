import type { Command, Option } from "commander";
import type { ServedKind } from "../api/client/discovery.ts";
import { findKinds } from "../api/client/find-kind.ts";
import { textAt } from "../api/columns.ts";
import type { Exit } from "./exit-codes.ts";
import { type CommonFlags, openSession, type Program, type Session } from "./session.ts";

/** What can stand where the cursor is. */
export type Completion =
  | { readonly of: "words"; readonly words: readonly string[] }
  | { readonly of: "files" }
  | { readonly of: "kinds" | "kindAndName" | "users" | "tokens" | "namespaces" }
  /** Names of the kind that this word means. */
  | { readonly of: "names"; readonly kind: string };

const LIMIT_MS = 2000;
const MOST = 200;

/** The hidden verb behind the completion scripts: answers one a line, or `:files`. Says nothing when anything goes wrong: a person is typing. */
export async function complete(program: Program, commands: Command, words: readonly string[]): Promise<Exit> {
  const found = completionOf(commands, words);
  const last = words.at(-1) ?? "";
  if (found.completion.of === "files") program.terminal.out(":files\n");
  else {
    const answers =
      found.completion.of === "words" ? found.completion.words : await fromServer(program, found.flags, found.completion, last);
    const fitting = answers.filter((word) => word.startsWith(last) && /^[\x21-\x7e]+$/.test(word)).slice(0, MOST);
    program.terminal.out([...new Set(fitting)].map((word) => `${word}\n`).join(""));
  }
  return "ok";
}

interface Found {
  readonly completion: Completion;
  readonly flags: CommonFlags;
}

/** Pure. Walks the words as the parser would: verbs, flags with their values, then arguments by their names. */
export function completionOf(program: Command, words: readonly string[]): Found {
  let command = program;
  const given: string[] = [];
  const flags: Record<string, string> = {};
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? "";
  for (let index = 0; index < before.length; index++) {
    const word = before[index] ?? "";
    const option = word.startsWith("-") ? optionOf(command, word) : undefined;
    if (option !== undefined && takesValue(option) && !word.includes("=")) {
      if (index === before.length - 1) return { completion: valueOf(option), flags };
      flags[option.attributeName()] = before[++index] ?? "";
      continue;
    }
    if (word.startsWith("-")) continue;
    const inner = given.length === 0 ? command.commands.find((candidate) => candidate.name() === word) : undefined;
    if (inner === undefined) given.push(word);
    else command = inner;
  }
  if (last.startsWith("-")) return { completion: { of: "words", words: flagsOf(command) }, flags };
  const verbs = visible(command);
  if (verbs.length > 0) return { completion: { of: "words", words: [...verbs, ...(command.parent === null ? ["help"] : [])] }, flags };
  return { completion: argumentOf(command, given), flags };
}

const visible = (command: Command): readonly string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name())
    .filter((name) => name !== "help");

const optionOf = (command: Command, word: string): Option | undefined =>
  command.options.find(({ long, short }) => word === long || word === short || word.startsWith(`${long ?? ""}=`));

const takesValue = (option: Option): boolean => option.required || option.optional;

const flagsOf = (command: Command): readonly string[] => [
  ...command.options.flatMap(({ long, hidden }) => (long === undefined || hidden ? [] : [long])),
  "--help",
];

function valueOf(option: Option): Completion {
  const long: string = option.long ?? "";
  switch (long) {
    case "--namespace":
      return { of: "namespaces" };
    case "--output":
      return { of: "words", words: option.description.split(", ") };
    case "--filename":
    case "--kubeconfig":
    case "--kubeconfig-out":
    case "--data":
      return { of: "files" };
    default:
      return { of: "words", words: [] };
  }
}

function argumentOf(command: Command, given: readonly string[]): Completion {
  const all = command.registeredArguments;
  const argument = all[given.length] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined);
  const name: string = argument?.name() ?? "";
  switch (name) {
    case "kind":
      return { of: "kinds" };
    case "names":
      return { of: "names", kind: given[0] ?? "" };
    case "kind/name":
      return { of: "kindAndName" };
    case "sync/name":
      return { of: "kindAndName" };
    case "user":
      return { of: "users" };
    case "tokens":
      return { of: "tokens" };
    case "shell":
      return { of: "words", words: ["bash", "zsh", "fish"] };
    default:
      return { of: "words", words: [] };
  }
}

async function fromServer(
  program: Program,
  flags: CommonFlags,
  completion: Exclude<Completion, { of: "words" | "files" }>,
  last: string,
): Promise<readonly string[]> {
  let session: Session | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const opened = await openSession({ ...program, terminal: { ...program.terminal, note: () => undefined } }, flags);
    session = opened;
    const late = new Promise<readonly string[]>((resolve) => (timer = setTimeout(() => resolve([]), LIMIT_MS)));
    return await Promise.race([answersOf(opened, completion, last), late]);
  } catch {
    return []; // no server, no rights: nothing to offer
  } finally {
    clearTimeout(timer);
    session?.client.close();
  }
}

async function answersOf(
  session: Session,
  completion: Exclude<Completion, { of: "words" | "files" }>,
  last: string,
): Promise<readonly string[]> {
  const kinds = await session.client.kinds();
  switch (completion.of) {
    case "kinds":
      if (last.includes("/")) return kindAndNames(session, kinds, last);
      return [
        ...listed(kinds).flatMap(({ resource, singular }) => [singular, resource]),
        ...new Set(kinds.flatMap(({ categories }) => categories)),
      ];
    case "kindAndName":
      return last.includes("/") ? kindAndNames(session, kinds, last) : listed(kinds).map(({ singular }) => `${singular}/`);
    case "names":
      return namesOf(session, kinds, completion.kind);
    case "users":
      return namesOf(session, kinds, "users.slipway.dev");
    case "tokens":
      return namesOf(session, kinds, "accesstokens.slipway.dev");
    case "namespaces":
      return namesOf(session, kinds, "namespaces");
  }
}

async function kindAndNames(session: Session, kinds: readonly ServedKind[], last: string): Promise<readonly string[]> {
  const word = last.slice(0, last.indexOf("/"));
  return (await namesOf(session, kinds, word)).map((name) => `${word}/${name}`);
}

const listed = (kinds: readonly ServedKind[]): readonly ServedKind[] => kinds.filter(({ verbs }) => verbs.includes("list"));

async function namesOf(session: Session, kinds: readonly ServedKind[], word: string): Promise<readonly string[]> {
  const found = findKinds(word, kinds);
  const [kind] = typeof found.found === "string" ? [] : found.found;
  if (kind === undefined) return [];
  const { items } = await session.client.list(kind, { namespace: kind.namespaced ? session.namespace : "" }, "Metadata");
  return items.map((item) => textAt(item, "metadata", "name"));
}

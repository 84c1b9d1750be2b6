import { test } from "node:test";
import assert from "node:assert/strict";
import { gitAuthorToUser } from "./git-author.ts";

const users = [
  { user: "jane", gitAuthors: ["jane@example.org", "j@home.example"] },
  { user: "joe", gitAuthors: ["joe@example.org", "shared@example.org"] },
  { user: "jim", gitAuthors: ["Shared@Example.org"] },
];
const cases: readonly (readonly [email: string, user: string | undefined])[] = [
  ["jane@example.org", "jane"],
  ["JANE@Example.ORG", "jane"],
  ["Jane Doe <j@home.example>", "jane"],
  ["shared@example.org", undefined],
  ["nobody@example.org", undefined],
  ["", undefined],
  ["<>", undefined],
];
for (const [email, user] of cases)
  test(`a commit of ${JSON.stringify(email)} is by ${user ?? "nobody we know"}`, () => assert.equal(gitAuthorToUser(users, email), user));

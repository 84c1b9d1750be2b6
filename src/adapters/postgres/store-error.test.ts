import assert from "node:assert/strict";
import { test } from "node:test";
import { PortError } from "../../ports/port-error.ts";
import { serverProblem } from "./migrate.ts";
import { isAnswer, storeError } from "./store-error.ts";

const failure = (code: string) => Object.assign(new Error("what the server said"), { code });

const cases: readonly (readonly [string, "notDone" | "refused", string, RegExp])[] = [
  ["28P01", "refused", "DatabasePassword", /password is wrong/],
  ["28000", "refused", "DatabasePassword", /pg_hba\.conf/],
  ["3D000", "refused", "DatabaseMissing", /createdb/],
  ["ECONNREFUSED", "notDone", "DatabaseGone", /start the server/],
  ["ENOENT", "notDone", "DatabaseGone", /nothing listens/],
  ["ENOTFOUND", "notDone", "DatabaseGone", /host name/],
  ["ETIMEDOUT", "notDone", "DatabaseGone", /firewalls/],
  ["57P01", "notDone", "DatabaseGone", /made again/],
  ["57P03", "notDone", "DatabaseStarting", /wait/],
  ["53300", "notDone", "DatabaseConnections", /max_connections/],
  ["53100", "notDone", "DatabaseDiskFull", /free space/],
  ["25006", "refused", "DatabaseReadOnly", /primary/],
  ["42501", "refused", "DatabasePermission", /owner/],
  ["57014", "notDone", "DatabaseSlow", /pg_stat_activity/],
  ["XX000", "notDone", "DatabaseFailed", /what the server said/],
];
for (const [code, outcome, reason, says] of cases) {
  test(`${code} is ${outcome}, ${reason}, and says what to do`, () => {
    const told = storeError(failure(code), "jane@db:5432/slipway");
    assert.ok(told instanceof PortError);
    assert.equal(told.outcome, outcome);
    assert.equal(told.reason, reason);
    assert.match(told.message, says);
    assert.match(told.message, /jane@db:5432\/slipway/);
    assert.notEqual(told.cause, undefined);
  });
}

test("a broken connection is no answer, an SQL error is", () => {
  assert.deepEqual(
    ["08006", "57P01", "ECONNRESET", "25P03", ""].map((code) => isAnswer(failure(code))),
    [false, false, false, false, false],
  );
  assert.deepEqual(
    ["23505", "53100", "57014"].map((code) => isAnswer(failure(code))),
    [true, true, true],
  );
});

test("a server below 15 is refused, with its version and the one needed", () => {
  const problem = serverProblem({ number: "140012", text: "14.12 (Debian)" }, "jane@db:5432/slipway");
  assert.equal(problem?.outcome, "refused");
  assert.match(problem.message, /14\.12.*needs 15/);
  assert.equal(serverProblem({ number: "150000", text: "15.0" }, "x"), undefined);
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { embeddedPostgres } from "../../src/adapters/postgres/server/embedded-postgres.ts";
import { openDataDirectory } from "../../src/main/data-directory.ts";
import { inFolder, memoryLog, postgres17 } from "../fixtures/postgres-server/directory.ts";
import { asker, credentialsIn, serveData, slipway } from "../fixtures/restored-server.ts";
import type { Asker } from "../fixtures/restored-server.ts";

/** The way of docs/guide/backup.md, as a user goes it who has data of PostgreSQL 17 and a Slipway that brings 18. */
const missing = existsSync(join(postgres17, "initdb")) ? false : 'there is no PostgreSQL 17 here: run "node scripts/install-tools.mjs"';
const SLIPWAY = "/apis/slipway.dev/v1alpha1";
const LISTS = [
  "/api/v1/namespaces",
  "/api/v1/secrets",
  "/api/v1/serviceaccounts",
  `${SLIPWAY}/users`,
  `${SLIPWAY}/accesstokens`,
  `${SLIPWAY}/auditrecords`,
];

test("data of PostgreSQL 17 comes to 18: refused with the way, backed up with 17 on PATH, restored, and equal", { skip: missing }, () =>
  inFolder(async (folder) => {
    const data = join(folder, "old");
    await makeDataOf17(data);

    const refused = await slipway(["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert.equal(refused.code, 1);
    for (const word of [
      /written by PostgreSQL 17/,
      /here is PostgreSQL 18/,
      /slipway backup --to FILE/,
      /slipway restore FILE/,
      /master\.key/,
    ])
      assert.match(refused.err, word);

    const file = join(folder, "old.backup");
    const path = `${postgres17}:${process.env["PATH"] ?? ""}`;
    const old = await serveData(data, { PATH: path });
    const { authority, token } = await credentialsIn(join(data, "kubeconfig"));
    const admin = asker(old.url, authority, token);
    await fill(admin);
    const taken = await slipway(["backup", "--kubeconfig", join(data, "kubeconfig"), "--to", file]);
    assert.equal(taken.code, 0, taken.err);
    const then = await everything(admin);
    admin.close();
    await old.stop();

    const moved = join(folder, "new");
    const restored = await slipway(["restore", file, "--data", moved, "--master-key-file", join(data, "master.key")]);
    assert.equal(restored.code, 0, restored.err);
    const fresh = await serveData(moved);
    const same = asker(fresh.url, authority, token);
    const now = await everything(same);
    // The first start on other data gives the administrator a kubeconfig there: one token more, and its record.
    const added = new Set([`${SLIPWAY}/accesstokens`, `${SLIPWAY}/auditrecords`]);
    for (const list of LISTS) {
      const [before, after] = [then.get(list) ?? [], now.get(list) ?? []];
      assert.ok(before.length > 0, list);
      if (added.has(list))
        assert.deepEqual(
          after.filter((item) => before.includes(item)),
          before,
        );
      else assert.deepEqual(after, before);
    }
    same.close();
    await fresh.stop();
  }),
);

/** What an earlier Slipway left: its data directory with a database of 17. */
async function makeDataOf17(data: string): Promise<void> {
  const directory = await openDataDirectory(data);
  const postgres = await embeddedPostgres({ directory: directory.postgres, log: memoryLog(), binaries: postgres17 });
  assert.match(postgres.version, /^17\./);
  await postgres.stop();
  await directory.release();
}

async function fill(admin: Asker): Promise<void> {
  for (let index = 0; index < 50; index++) {
    const made = await admin.json("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: `a${index}` } });
    assert.equal(made.code, 201);
  }
  const secret = { metadata: { name: "s" }, stringData: { value: "\u00e4\ud83d\ude00" } };
  assert.equal((await admin.json("POST", "/api/v1/namespaces/default/secrets", secret)).code, 201);
}

async function everything(admin: Asker): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const list of LISTS)
    found.set(
      list,
      (await admin.items(`${list}?limit=500`)).map((item) => JSON.stringify(item)),
    );
  return found;
}

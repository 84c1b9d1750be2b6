import assert from "node:assert/strict";
import { test } from "node:test";
import { clientConfig, initdbArguments, serverArguments, socketIn } from "./settings.ts";

const socket = { kind: "socket", folder: "/d/run", port: 5432 } as const;

for (const [folder, fits] of [
  ["/d/run", true],
  ["/" + "x".repeat(84), true],
  ["/" + "x".repeat(85), false],
  ["/" + "é".repeat(43), false],
] as const)
  test(`a socket path is used below 100 bytes only: ${Buffer.byteLength(folder)} bytes of folder`, () =>
    assert.equal(socketIn(folder) !== undefined, fits));

test("a durable commit is asked for on every system, on macOS down to the drive", () => {
  for (const major of [15, 16, 17, 18]) {
    const linux = serverArguments("/d/data", socket, major, "linux").join(" ");
    for (const setting of ["fsync=on", "synchronous_commit=on", "full_page_writes=on"]) assert.ok(linux.includes(`-c ${setting}`), setting);
    assert.ok(!linux.includes("wal_sync_method"));
    assert.ok(serverArguments("/d/data", socket, major, "darwin").includes("wal_sync_method=fsync_writethrough"));
  }
});

test("settings that a major does not know are not given to it", () => {
  assert.ok(!serverArguments("/d", socket, 17, "linux").join().includes("io_method"));
  assert.ok(serverArguments("/d", socket, 18, "linux").includes("io_method=sync"));
  assert.ok(!initdbArguments("/d", "/p", 16).join().includes("builtin"));
});

test("with a socket no port is open, without one only the loopback address", () => {
  assert.ok(serverArguments("/d", socket, 18, "linux").includes("listen_addresses="));
  const loopback = serverArguments("/d", { kind: "loopback", port: 20_001 }, 18, "linux");
  for (const setting of ["listen_addresses=127.0.0.1", "unix_socket_directories=", "port=20001"])
    assert.ok(loopback.includes(setting), setting);
});

test("a folder with commas and double quotes stays one item of the list of socket folders", () =>
  assert.ok(serverArguments("/d", { ...socket, folder: '/a, b"c' }, 18, "linux").includes('unix_socket_directories="/a, b""c"')));

test("clients reach a socket by its folder and a port by its address", () => {
  assert.equal(clientConfig(socket, "p").host, "/d/run");
  assert.deepEqual(clientConfig({ kind: "loopback", port: 20_001 }, "p"), {
    host: "127.0.0.1",
    port: 20_001,
    user: "slipway",
    password: "p",
    database: "postgres",
  });
});

import { test } from "node:test";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server } from "node:tls";
import { memoryKeys } from "../memory/memory-keys.ts";
import { instant, later, milliseconds, type Instant } from "../../domain/units.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Clock } from "../../ports/clock.ts";
import { keepServing } from "../../server/access/keep-serving.ts";
import { ownCertificates, serverNames } from "./own-certificates.ts";

const DAY = 24 * 3_600_000;

function handClock(start = Date.now()): Clock & { advance(length: number): void } {
  let now = instant(start);
  const waiting = new Set<{ readonly at: Instant; readonly go: () => void }>();
  return {
    now: () => now,
    until: (at, signal) =>
      new Promise((resolve, reject) => {
        const one = { at, go: resolve };
        waiting.add(one);
        signal.addEventListener("abort", () => {
          waiting.delete(one);
          reject(new Error("cancelled"));
        });
      }),
    advance(length) {
      now = later(now, milliseconds(length));
      for (const one of waiting) if (one.at <= now && waiting.delete(one)) one.go();
    },
  };
}

/** What a TLS client that trusts `ca` says of the server at this name: "trusted", or the code of its complaint. */
function verdict(server: Server, ca: string, host: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      ca,
      ...(/^[\d.]+$|:/.test(host) ? { checkServerIdentity: undefined } : { servername: host }),
    });
    socket.once("secureConnect", () => {
      resolve(socket.authorized ? "trusted" : "untrusted");
      socket.destroy();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

async function listening(served: { readonly certificate: string; readonly key: string }): Promise<Server> {
  const server = createServer({ cert: served.certificate, key: served.key }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

test("a client that trusts our CA trusts the server by its names, and by no other", async () => {
  const certificates = await ownCertificates(memoryKeys(), handClock());
  const stranger = await ownCertificates(memoryKeys(), handClock());
  const server = await listening(await certificates.serving(serverNames("build-7", ["slipway.example.org"])));
  try {
    assert.equal(await verdict(server, certificates.authority, "localhost"), "trusted");
    assert.equal(await verdict(server, certificates.authority, "slipway.example.org"), "trusted");
    assert.equal(await verdict(server, certificates.authority, "build-7"), "trusted");
    assert.equal(await verdict(server, certificates.authority, "other.example.org"), "ERR_TLS_CERT_ALTNAME_INVALID");
    assert.notEqual(await verdict(server, stranger.authority, "localhost"), "trusted");
  } finally {
    server.close();
  }
});

test("certificates say what they are for", async () => {
  const clock = handClock();
  const certificates = await ownCertificates(memoryKeys(), clock);
  const ca = new X509Certificate(certificates.authority);
  const own = new X509Certificate((await certificates.serving(serverNames("host", ["10.0.0.7"]))).certificate);
  assert.equal(own.subjectAltName, "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:host, IP Address:10.0.0.7");
  assert.deepEqual([ca.ca, own.ca, own.checkIssued(ca), own.verify(ca.publicKey)], [true, false, true, true]);
  assert.equal(own.checkIP("10.0.0.7"), "10.0.0.7");
  assert.deepEqual(own.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  assert.equal(own.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  assert.equal(Math.round((Date.parse(ca.validTo) - clock.now()) / DAY), 3650);
  assert.equal(Math.round((Date.parse(own.validTo) - clock.now()) / DAY), 365);
  assert.ok(Date.parse(own.validFrom) <= clock.now() - 3_590_000);
});

test("all control planes of one store have one authority, also when they start at once", async () => {
  const keys = memoryKeys();
  const planes = await Promise.all([1, 2, 3, 4].map(() => ownCertificates(keys, handClock())));
  assert.equal(new Set(planes.map(({ authority }) => authority)).size, 1);
  const again = await ownCertificates(keys, handClock());
  assert.equal(again.authority, planes[0]?.authority);
  assert.ok(new X509Certificate((await again.serving(["a"])).certificate).verify(new X509Certificate(again.authority).publicKey));
});

test("a certificate is renewed when less than 30 days are left or its names change, and not before", async () => {
  const clock = handClock();
  const certificates = await ownCertificates(memoryKeys(), clock);
  const first = await certificates.serving(["a", "b"]);
  clock.advance(334 * DAY);
  assert.equal(await certificates.serving(["A", "b", "a"]), first);
  clock.advance(2 * DAY);
  const second = await certificates.serving(["a", "b"]);
  assert.notEqual(second.certificate, first.certificate);
  assert.notEqual((await certificates.serving(["a", "c"])).certificate, second.certificate);
});

test("no certificate outlives the authority, and an authority that ended says what to do", async () => {
  const [clock, keys] = [handClock(), memoryKeys()];
  const certificates = await ownCertificates(keys, clock);
  clock.advance(3600 * DAY);
  const late = await certificates.serving(["a"]);
  assert.equal(new X509Certificate(late.certificate).validTo, new X509Certificate(certificates.authority).validTo);
  clock.advance(51 * DAY);
  await assert.rejects(
    ownCertificates(keys, clock),
    (error) => error instanceof PortError && error.outcome === "refused" && /ended at .*check the clock/.test(error.message),
  );
});

test("a damaged authority is refused with the way out", async () => {
  for (const kept of [
    "",
    "x",
    "null",
    "[]",
    '{"version":1}',
    '{"version":1,"certificate":"x","key":"y"}',
    '{"version":2,"certificate":"x","key":"y"}',
  ]) {
    const keys = memoryKeys();
    await keys.putIfAbsent("certificate-authority", Buffer.from(kept));
    await assert.rejects(
      ownCertificates(keys, handClock()),
      (error) => error instanceof PortError && error.outcome === "refused" && error.message.includes("restore a backup"),
      kept,
    );
  }
});

test("what is no name gets no certificate", async () => {
  const certificates = await ownCertificates(memoryKeys(), handClock());
  for (const name of ["", "a b", "-x", "a..b", "http://x", "x/y", "a".repeat(64), `${"a.".repeat(127)}ab`, "1.2.3.4/8", "x\n"])
    await assert.rejects(
      certificates.serving(["ok", name]),
      (error) => error instanceof PortError && error.outcome === "refused",
      JSON.stringify(name),
    );
  await assert.rejects(certificates.serving([]), PortError);
  assert.deepEqual(serverNames("Jane's Mac", []), ["localhost", "127.0.0.1", "::1"]);
});

test("a running listener gets its new certificate without a restart", async () => {
  // the client looks at the real clock
  const clock = handClock(Date.now() - 3 * DAY);
  const certificates = await ownCertificates(memoryKeys(), clock);
  const ended = new AbortController();
  const failed: unknown[] = [];
  const server = await listening(await certificates.serving(["localhost"]));
  let applied = 0;
  let names = ["localhost"];
  try {
    await keepServing(
      certificates,
      () => names,
      ({ certificate, key }) => {
        applied += 1;
        server.setSecureContext({ cert: certificate, key });
      },
      { clock, signal: ended.signal, failed: (error) => failed.push(error) },
    );
    assert.equal(await verdict(server, certificates.authority, "later.example.org"), "ERR_TLS_CERT_ALTNAME_INVALID");
    names = ["localhost", "not a name"];
    clock.advance(DAY);
    await until(() => failed.length === 1);
    names = ["localhost", "later.example.org"];
    await turn();
    clock.advance(DAY);
    await until(() => applied === 2);
    assert.equal(await verdict(server, certificates.authority, "later.example.org"), "trusted");
  } finally {
    ended.abort();
    server.close();
  }
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 10_000 && !holds(); round += 1) await turn();
  assert.ok(holds(), "it did not come true");
}

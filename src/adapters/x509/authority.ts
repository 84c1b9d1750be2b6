import "./reflect-metadata.ts";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Clock } from "../../ports/clock.ts";
import type { KeyStore } from "../../ports/key-store.ts";
import { PortError } from "../../ports/port-error.ts";

export const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
export const DAY = 24 * 3600 * 1000;
const NAME = "certificate-authority";
const YEARS = 10;

/** Our CA: a certificate that clients trust and the key that signs for it. */
export interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/**
 * The CA of this installation, made at its first start. Of several control planes that start at once all use the one that was kept first.
 * `keys` wraps what it keeps. Throws PortError `refused` when what is kept is no CA any more (damaged, or past its ten years).
 */
export async function authority(keys: KeyStore, clock: Clock): Promise<Authority> {
  const kept = (await keys.read(NAME)) ?? (await keys.putIfAbsent(NAME, await newAuthority(clock)));
  const read = await readAuthority(kept);
  if (read.certificate.notAfter.getTime() <= clock.now())
    throw new PortError(
      "refused",
      `the certificate authority of this installation ended at ${read.certificate.notAfter.toISOString()}; check the clock, or remove the key "${NAME}" from the store, start again and hand out new kubeconfigs`,
    );
  return read;
}

/** 128 random bits, positive: RFC 5280 section 4.1.2.2 allows 20 octets. */
export const serialNumber = (): string => `01${randomBytes(15).toString("hex")}`;

/** An hour back, for clients whose clock is behind. */
export const notBefore = (clock: Clock): Date => new Date(clock.now() - 3600 * 1000);

async function newAuthority(clock: Clock): Promise<Uint8Array> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const serial = serialNumber();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial,
      // a name of its own for each installation, so that a client with several in its trust store takes the right one
      name: `CN=slipway-ca-${serial.slice(2, 10)}`,
      notBefore: notBefore(clock),
      notAfter: new Date(clock.now() + YEARS * 365 * DAY),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return Buffer.from(JSON.stringify({ version: 1, certificate: certificate.toString("pem"), key }));
}

async function readAuthority(kept: Uint8Array): Promise<Authority> {
  try {
    const text: unknown = JSON.parse(Buffer.from(kept).toString("utf8"));
    const parts = new Map<string, unknown>(typeof text === "object" && text !== null ? Object.entries(text) : []);
    const [certificate, key] = [parts.get("certificate"), parts.get("key")];
    if (parts.get("version") !== 1 || typeof certificate !== "string" || typeof key !== "string")
      throw new Error("not of the form that version 1 has");
    return {
      certificate: new x509.X509Certificate(certificate),
      key: await webcrypto.subtle.importKey("pkcs8", Buffer.from(key, "base64"), ALGORITHM, false, ["sign"]),
    };
  } catch (cause) {
    throw new PortError(
      "refused",
      `the certificate authority kept in the store as "${NAME}" cannot be read; restore a backup, or remove it, start again and hand out new kubeconfigs`,
      { cause },
    );
  }
}

import "./reflect-metadata.ts";
import { isIP } from "node:net";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Certificates, ServedCertificate } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KeyStore } from "../../ports/key-store.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Authority } from "./authority.ts";
import { ALGORITHM, DAY, authority, notBefore, serialNumber } from "./authority.ts";

const LIFE = 365 * DAY;
const RENEW_WITH = 30 * DAY;
/** As a subject alternative name may hold; Node and browsers look at nothing else. */
const LONGEST = 253;

/**
 * Certificates from an own CA (ECDSA P-256), whose key all control planes share through `keys`. A server certificate lives a year, in memory only:
 * each process makes its own when it starts. Throws PortError `refused` for a CA that cannot be used and for names that are none.
 */
export async function ownCertificates(keys: KeyStore, clock: Clock): Promise<Certificates> {
  const ca = await authority(keys, clock);
  let last: { readonly names: string; readonly renewAt: number; readonly served: Promise<ServedCertificate> } | undefined;
  return {
    authority: ca.certificate.toString("pem"),
    async serving(names) {
      const wanted = distinctNames(names);
      const text = wanted.join(" ");
      if (last?.names === text && clock.now() < last.renewAt) return last.served;
      const notAfter = Math.min(clock.now() + LIFE, ca.certificate.notAfter.getTime());
      // near the end of the CA a month is more than there is
      const renewAt = Math.max(notAfter - RENEW_WITH, clock.now() + DAY);
      const served = serverCertificate(ca, wanted, notAfter, clock);
      last = { names: text, renewAt, served };
      served.catch(() => (last = undefined));
      return served;
    },
  };
}

/** The names a control plane is reached by on its own machine, and those the operator adds. */
export function serverNames(hostname: string, extra: readonly string[]): readonly string[] {
  const own = isIP(hostname) !== 0 || isHostName(hostname) ? [hostname] : [];
  return ["localhost", "127.0.0.1", "::1", ...own, ...extra];
}

async function serverCertificate(ca: Authority, names: readonly string[], notAfter: number, clock: Clock): Promise<ServedCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      issuer: ca.certificate.subject,
      subject: "CN=slipway",
      notBefore: notBefore(clock),
      notAfter: new Date(notAfter),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: ca.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }))),
        await x509.AuthorityKeyIdentifierExtension.create(ca.certificate, false, webcrypto),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: `${certificate.toString("pem")}\n${ca.certificate.toString("pem")}\n`,
    key: x509.PemConverter.encode(key, "PRIVATE KEY"),
  };
}

function distinctNames(names: readonly string[]): readonly string[] {
  const wanted = [...new Set(names.map((name) => name.toLowerCase()))];
  const wrong = wanted.find((name) => isIP(name) === 0 && !isHostName(name));
  if (wrong !== undefined)
    throw new PortError(
      "refused",
      `${JSON.stringify(wrong.slice(0, LONGEST))} is neither a host name nor an IP address, so there can be no certificate for it; correct the names the server is to be reached by`,
    );
  if (wanted.length === 0)
    throw new PortError("refused", "a certificate needs at least one name; give the names the server is to be reached by");
  return wanted;
}

const LABEL = /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/i;
const isHostName = (name: string): boolean =>
  name.length <= LONGEST && name.split(".").every((label, at) => LABEL.test(label) || (at === 0 && label === "*"));

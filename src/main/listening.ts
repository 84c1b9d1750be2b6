import { once } from "node:events";
import { createServer } from "node:net";
import { PortError } from "../ports/port-error.ts";

/** Throws PortError when the API could not listen there; asked before anything expensive is started. Another program may still be quicker afterwards. */
export async function assertListenable(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, "listening");
  } catch (error) {
    throw listenFailure(error, host, port);
  }
  probe.close();
  await once(probe, "close");
}

/** Why an address cannot be listened on, and the way out. https://man7.org/linux/man-pages/man2/bind.2.html and getaddrinfo(3) name the codes. */
export function listenFailure(error: unknown, host: string, port: number): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const refused = (reason: string, message: string): PortError => new PortError("refused", message, { cause: error, reason });
  switch (code) {
    case "EADDRINUSE":
      return refused(
        "PortInUse",
        `the port ${port} of ${host} is in use, perhaps by another Slipway server, started from another data directory; ` +
          `see who holds it (Linux: "ss -ltnp 'sport = :${port}'", macOS: "lsof -nP -iTCP:${port} -sTCP:LISTEN"), stop that, or choose another port with --listen HOST:PORT (port 0 takes any free one)`,
      );
    case "EACCES":
    case "EPERM":
      return refused(
        "PortForbidden",
        `the port ${port} of ${host} may not be listened on by this user; ports below 1024 are mostly kept for root: choose a higher one with --listen (the default is 7447), ` +
          `or let this system give it (Linux: "sysctl net.ipv4.ip_unprivileged_port_start=${port}")`,
      );
    case "EADDRNOTAVAIL":
      return refused(
        "BadListenAddress",
        `the address ${host} of --listen ${where} does not belong to this machine; use 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses, or one that "ip address" shows`,
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "ENODATA":
      return refused(
        "BadListenAddress",
        `the host "${host}" of --listen ${where} cannot be found; write an address of this machine such as 127.0.0.1, or correct the name or the name service`,
      );
    default:
      return error instanceof PortError
        ? error
        : refused("CannotListen", `the server cannot listen on ${where}: ${String(error)}; choose another address with --listen HOST:PORT`);
  }
}

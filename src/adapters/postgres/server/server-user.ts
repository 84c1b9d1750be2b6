import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { PortError } from "../../../ports/port-error.ts";
import { runAs } from "./run-as.ts";
import type { SystemUser } from "./run-as.ts";

const accounts: readonly string[] = ["slipway", "postgres"];

/**
 * Who runs PostgreSQL, which refuses to run as root: ourselves (undefined), unless we are root; then the owner of the database in `data`, if there is one,
 * else the user `slipway`, else `postgres`. Refused with the command that makes a user when there is none.
 */
export async function serverUser(data: string | undefined, names: readonly string[] = accounts): Promise<SystemUser | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const users = (await Promise.all(names.map(lookUp))).filter((user) => user !== undefined);
  const owner = data === undefined ? undefined : (await stat(data)).uid;
  const chosen = owner === undefined ? users[0] : users.find((user) => user.uid === owner);
  if (chosen !== undefined) return chosen;
  if (users[0] === undefined) throw noUser();
  throw new PortError(
    "refused",
    `${data ?? ""} belongs to the user with id ${owner ?? "?"}, which is neither "slipway" nor "postgres", and PostgreSQL runs only as the owner of its data; ` +
      `run: chown -R ${users[0].uid}:${users[0].gid} '${data ?? ""}'`,
    { reason: "NoPermission" },
  );
}

function noUser(): PortError {
  return new PortError(
    "refused",
    'PostgreSQL refuses to run as root, and there is no user "slipway" or "postgres" to run it as; make one: ' +
      (process.platform === "darwin"
        ? "sysadminctl -addUser slipway -shell /usr/bin/false"
        : "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin slipway (on Alpine: adduser -S -D -H slipway)") +
      "; or run Slipway as an ordinary user, or give it a server of yours in DATABASE_URL",
    { reason: "NoServerUser" },
  );
}

/** The ids of a user by its name, asked of id(1), which knows directories (LDAP and the like) as well as /etc/passwd. Root itself does not count. */
async function lookUp(name: string): Promise<SystemUser | undefined> {
  const [uid, gid] = await Promise.all(["-u", "-g"].map((option) => runAs(undefined, "id", [option, name])));
  if (uid?.status !== 0 || gid?.status !== 0) return undefined;
  const user = { name, uid: Number(uid.output), gid: Number(gid.output) };
  return Number.isInteger(user.uid) && Number.isInteger(user.gid) && user.uid > 0 ? user : undefined;
}

/** Throws unless `user` can walk down to `folder`: names the first folder on the way that it may not enter (a 0700 home, most often). */
export async function assertReachable(user: SystemUser | undefined, folder: string): Promise<void> {
  const blocked = user === undefined ? await firstBlockedForUs(folder) : await firstBlockedFor(user, folder);
  if (blocked === undefined) return;
  const who = user === undefined ? "this user" : `the user "${user.name}", which runs PostgreSQL,`;
  throw new PortError(
    "refused",
    `${who} may not enter ${blocked}, a folder above ${folder}; allow it ("chmod o+x" on that folder), or choose a data directory elsewhere, such as /var/lib/slipway`,
    { reason: "NotReachable" },
  );
}

/** Asked of the system as that user, so that access lists and mount options count as well as modes. */
async function firstBlockedFor(user: SystemUser, folder: string): Promise<string | undefined> {
  const script = 'for folder do [ -x "$folder" ] || { printf %s "$folder"; exit 3; }; done';
  const { status, output } = await runAs(user, "/bin/sh", ["-c", script, "sh", ...above(folder)]);
  if (status === 0) return undefined;
  if (status === 3) return output;
  throw new PortError(
    "notDone",
    `could not look at ${folder} as the user "${user.name}": ${output} (${status}); check that /bin/sh runs for it`,
  );
}

async function firstBlockedForUs(folder: string): Promise<string | undefined> {
  for (const each of above(folder))
    if (
      !(await access(each, 1).then(
        () => true,
        () => false,
      ))
    )
      return each;
  return undefined;
}

/** `/`, …, `folder`, outermost first. */
function above(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [...above(parent), folder];
}

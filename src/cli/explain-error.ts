import { type AnsweredStatus, StatusError } from "../api/client/status-error.ts";
import { ConnectError } from "../api/client/transport.ts";
import { CliError, type Exit } from "./exit-codes.ts";

/** Where a verb was connected to, as far as it came. */
export interface Where {
  readonly server: string;
  readonly kubeconfig: string;
  readonly user: string;
}

export interface Explained {
  readonly exit: Exit;
  readonly message: string;
}

/** Pure: an error in words that name the thing and the way out. undefined = a fault of the program. The text is not yet safe for a terminal. */
export function explainError(error: unknown, where: Where | undefined): Explained | undefined {
  if (error instanceof CliError) return { exit: error.exit, message: error.message };
  if (error instanceof ConnectError) return explainConnection(error, where);
  if (error instanceof StatusError) return explainStatus(error.status, where);
  return undefined;
}

function explainConnection({ problem, message, sent }: ConnectError, where: Where | undefined): Explained {
  const [server, file] = [where?.server ?? "the server", where?.kubeconfig ?? "the kubeconfig"];
  const perhapsDone = sent ? "; what was asked may have been done: look before you try again" : "";
  switch (problem) {
    case "refused":
      return {
        exit: "notFound",
        message: `no server answers at ${server} (from ${file}); start it with \`slipway serve\`, or name another kubeconfig with --kubeconfig`,
      };
    case "unknownHost":
      return { exit: "notFound", message: `the host of ${server} (from ${file}) is not known; correct the name, or look at your DNS` };
    case "untrusted":
      return {
        exit: "forbidden",
        message: `the server at ${server} shows a certificate of another CA than the one in ${file}: it is another server, or it was set up anew. Take its new kubeconfig (DATA/kubeconfig, or \`slipway user create\`)`,
      };
    case "certificateExpired":
      return {
        exit: "forbidden",
        message: `the certificate of ${server} is not valid at this time; compare the clocks of both machines, and start the server again: it makes a new one`,
      };
    case "wrongHost":
      return {
        exit: "forbidden",
        message: `the certificate of ${server} is for other names (${message}); start the server with --name HOST, or use a name it has`,
      };
    case "notTls":
      return {
        exit: "failed",
        message: `what answers at ${server} does not speak TLS, so it is no Slipway; correct the address in ${file}`,
      };
    case "timedOut":
      return { exit: "timedOut", message: `${message}${perhapsDone}` };
    case "broken":
      return { exit: "failed", message: `${message}${perhapsDone}` };
  }
}

/** A new token helps everybody but who was shut out. */
const wayBackIn = (user: string, refusal: string): string =>
  refusal.includes("is disabled")
    ? `an administrator may let the user in again with \`kubectl patch user ${user} --type=merge -p '{"spec":{"disabled":false}}'\``
    : `an administrator makes a new one with \`slipway token create ${user}\``;

function explainStatus(status: AnsweredStatus, where: Where | undefined): Explained {
  const user = where?.user ?? "this user";
  switch (status.code) {
    case 401:
      return {
        exit: "forbidden",
        message: `the server does not take the token of "${user}" in ${where?.kubeconfig ?? "the kubeconfig"}: ${reasonOf401(status.message)}; ${wayBackIn(user, status.message)}`,
      };
    case 403:
      return { exit: "forbidden", message: `${status.message}${missingRight(status.message)}` };
    case 404:
      return { exit: "notFound", message: status.message };
    case 409:
      return { exit: "conflict", message: status.message };
    case 422:
      return { exit: "failed", message: withCauses(status) };
    case 408:
    case 504:
      return { exit: "timedOut", message: status.message };
    default:
      return { exit: "failed", message: status.message };
  }
}

/** What the server says of a token; where it says nothing more, what it can be. */
function reasonOf401(message: string): string {
  const said = message.replace(/^Unauthorized(: )?/, "").replace(/; ask for a new one$/, "");
  return said === "" ? "it has expired, was revoked, or is of another server" : said;
}

/** A line for each field, where there are several. */
function withCauses({ message, causes }: AnsweredStatus): string {
  if (causes.length < 2) return message;
  const head = message.slice(0, message.indexOf(" is invalid: ") + " is invalid:".length);
  const lines = causes.map(({ field, message: what }) => `  ${field === undefined || field === "" ? "" : `${field}: `}${what}`);
  return `${head.length > " is invalid:".length ? head : "invalid:"}\n${lines.join("\n")}`;
}

/** The words of the RBAC authoriser: https://github.com/kubernetes/apiserver/blob/v0.35.0/pkg/endpoints/handlers/responsewriters/errors.go */
const CANNOT = /User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?/;

function missingRight(message: string): string {
  // our own server names the role that would do
  if (message.includes(" would allow it")) return "";
  const [, user, verb, resource, group, namespace] = CANNOT.exec(message) ?? [];
  if (user === undefined || verb === undefined || resource === undefined) return "";
  const scope = namespace === undefined ? "a ClusterRole bound with a ClusterRoleBinding" : `a Role in namespace ${namespace}`;
  return `\nMissing is the right {verbs: [${verb}], apiGroups: ["${group ?? ""}"], resources: [${resource}]}; somebody who has it can give it to "${user}" by ${scope}.`;
}

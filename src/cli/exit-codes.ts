/** What `slipway` ends with, for scripts. Numbers are never given another meaning; new ones are appended. */
export const EXIT_CODES = {
  ok: { code: 0, means: "done; nothing differs, nothing is blocked" },
  failed: { code: 1, means: "it could not be done; of `diff`: there are differences" },
  misused: { code: 2, means: "the command line or a file cannot be what was meant; of `diff`: also any failure without a code of its own" },
  notFound: { code: 3, means: "the object, the kind or the server was not found" },
  timedOut: { code: 4, means: "no answer in time" },
  blocked: { code: 5, means: "of `why`: something is in the way" },
  forbidden: { code: 6, means: "not allowed, or the token is not good" },
  conflict: { code: 7, means: "somebody else owns the field, or the object changed or exists already" },
} as const;

export type Exit = keyof typeof EXIT_CODES;

/** An end with a message for the user, and the code for the script. The message is printed as it is, made printable. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exit: Exit;

  constructor(exit: Exit, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exit = exit;
  }
}

/** What `slipway help exit-codes` prints. */
export function exitCodesText(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, means }) => `  ${code}  ${means}\n`)
    .join("");
}

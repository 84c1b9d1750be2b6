/** Who wrote a commit. */
export interface GitIdentity {
  readonly name: string;
  readonly email: string;
}

export interface Trailer {
  readonly name: string;
  readonly value: string;
}

/** The trailer that makes a write happen once only. */
export const keyTrailer = "Slipway-Key";

const trailerLine = /^([A-Za-z0-9][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)$/;

/**
 * The trailers of a message: its last paragraph, if that is not the first and each line is `Name: value` or goes on with the one before.
 * Stricter than `git interpret-trailers`, which takes a paragraph of which a quarter are trailers.
 */
export function parseTrailers(message: string): readonly Trailer[] {
  const paragraphs = message
    .replace(/\r\n/g, "\n")
    .trim()
    .split(/\n(?:[ \t]*\n)+/);
  if (paragraphs.length < 2) return [];
  const found: { name: string; value: string }[] = [];
  for (const line of (paragraphs.at(-1) ?? "").split("\n")) {
    const match = trailerLine.exec(line);
    const before = found.at(-1);
    if (match) found.push({ name: match[1] ?? "", value: (match[2] ?? "").trim() });
    else if (/^[ \t]/.test(line) && before) before.value = `${before.value} ${line.trim()}`;
    else return [];
  }
  return found;
}

/** The keys of the writes that a commit carried out. */
export const keysOf = (message: string): readonly string[] =>
  parseTrailers(message)
    .filter((trailer) => trailer.name.toLowerCase() === keyTrailer.toLowerCase())
    .map((trailer) => trailer.value);

/** One message with its trailers as the last paragraph. Names and values are made safe for one line each. */
export function messageWith(text: string, trailers: readonly Trailer[]): string {
  const body = text.replace(/\0/g, "").replace(/\r\n?/g, "\n").trim() || "Change desired state";
  const lines = trailers.map(({ name, value }) => `${name.replace(/[^A-Za-z0-9-]/g, "-")}: ${oneLine(value)}`);
  return lines.length === 0 ? `${body}\n` : `${body}\n\n${lines.join("\n")}\n`;
}

/** One commit for several writes: the only message as it is, or a count and each message under it. */
export function joinedMessage(messages: readonly string[]): string {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return only;
  const items = messages.map((message) => `- ${message.trim().replace(/\r\n?/g, "\n").replace(/\n/g, "\n  ")}`);
  return `${messages.length} changes to desired state\n\n${items.join("\n")}`;
}

/** A name and an address that cannot break out of a commit header. */
export const cleanIdentity = ({ name, email }: GitIdentity): GitIdentity => ({
  name: headerSafe(name) || "unknown",
  email: headerSafe(email).replace(/\s+/g, "") || "unknown@invalid",
});

const headerSafe = (text: string) => oneLine(text.replace(/[<>]/g, "")).slice(0, 200);

const oneLine = (text: string) => text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/gu, " ").trim();

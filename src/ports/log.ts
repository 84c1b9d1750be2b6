/** Structured lines for operators. Fields hold no secrets and no bodies of requests. pino has this shape. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

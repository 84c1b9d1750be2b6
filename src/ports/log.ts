/** Structured lines for operators. Fields hold no secrets and no bodies of requests. pino has this shape. */
export interface Log {
  /** What is of use only while looking for a fault, such as each request that read and succeeded. Where absent, that is dropped. */
  debug?(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

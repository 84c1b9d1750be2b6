import { Counter, Histogram, type Registry } from "prom-client";
import type { Metrics } from "../server/http/access-log.ts";

/** Counts and times the requests in `registry`. https://kubernetes.io/docs/reference/instrumentation/metrics/ has the names of the first two. */
export function serverMetrics(registry: Registry): Metrics {
  const requests = new Counter({
    name: "apiserver_request_total",
    help: "Requests, by verb, resource and HTTP code.",
    labelNames: ["verb", "resource", "code"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "apiserver_request_duration_seconds",
    help: "How long requests took, watches left out.",
    labelNames: ["verb", "resource"],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 30],
    registers: [registry],
  });
  return {
    contentType: registry.contentType,
    exposition: () => registry.metrics(),
    requestEnded: ({ verb, resource, code, seconds }) => {
      requests.inc({ verb, resource, code });
      if (verb !== "watch") durations.observe({ verb, resource }, seconds);
    },
  };
}

import { SpanStatusCode, trace } from "@opentelemetry/api";
import { Counter, Histogram, type Registry } from "prom-client";
import { keyText } from "../../domain/object/api-object.ts";
import type { PassReport, Telemetry } from "../../ports/telemetry.ts";

/**
 * Counts and times every pass in `registry`, and gives each one a span with its phases as events. Without an OpenTelemetry SDK the spans go nowhere
 * and cost next to nothing.
 */
export function passTelemetry(registry: Registry): Telemetry {
  const passes = new Counter({
    name: "slipway_passes",
    help: "Passes of the controllers, by how they ended.",
    labelNames: ["controller", "outcome"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "slipway_pass_duration_seconds",
    help: "How long a pass took.",
    labelNames: ["controller"],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300],
    registers: [registry],
  });
  const tracer = trace.getTracer("slipway");
  return {
    passed: (report) => {
      passes.inc({ controller: report.controller, outcome: report.outcome });
      durations.observe({ controller: report.controller }, (report.ended - report.started) / 1000);
      const span = tracer.startSpan(`pass ${report.controller}`, { startTime: report.started, attributes: attributesOf(report) });
      for (const { name, from } of report.phases) span.addEvent(name, from);
      if (report.outcome === "stalled" || report.incident !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(report.ended);
    },
  };
}

function attributesOf({ controller, key, outcome, epoch, attempts, incident }: PassReport): Record<string, string | number> {
  return {
    "slipway.controller": controller,
    "slipway.object": keyText(key),
    "slipway.outcome": outcome,
    "slipway.epoch": epoch,
    "slipway.attempts": attempts,
    ...(incident === undefined ? {} : { "slipway.incident": incident }),
  };
}

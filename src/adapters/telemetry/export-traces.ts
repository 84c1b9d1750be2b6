import type { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { PortError } from "../../ports/port-error.ts";

export interface TraceExport {
  /** Sends what has not been sent yet, for at most 5 s, and ends. Never throws. */
  stop(): Promise<void>;
}

/**
 * Sends the spans of this process to the collector that the OTEL_EXPORTER_OTLP_* variables name (OTLP over HTTP); they, OTEL_SERVICE_NAME and the sampler's
 * are read by the SDK itself: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * The SDK is an optional package and loaded only here. Throws PortError `refused` where it is not installed.
 */
export async function exportTraces(release: string): Promise<TraceExport> {
  const { BatchSpanProcessor, NodeTracerProvider, OTLPTraceExporter } = await loadSdk();
  const provider = new NodeTracerProvider({
    resource: resourceOf({ "service.name": process.env["OTEL_SERVICE_NAME"] ?? "slipway", "service.version": release }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return {
    stop: () =>
      Promise.race([provider.shutdown().catch(() => undefined), new Promise<void>((resolve) => setTimeout(resolve, 5000).unref())]),
  };
}

type Resource = NonNullable<NonNullable<ConstructorParameters<typeof NodeTracerProvider>[0]>["resource"]>;

/** Who sends. The package that makes these is none of ours, and its default names the program file. */
function resourceOf(attributes: Readonly<Record<string, string>>): Resource {
  const resource: Resource = { attributes, merge: (other) => other ?? resource, getRawAttributes: () => Object.entries(attributes) };
  return resource;
}

async function loadSdk() {
  try {
    const [trace, exporter] = await Promise.all([
      import("@opentelemetry/sdk-trace-node"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
    return { ...trace, ...exporter };
  } catch (cause) {
    throw new PortError(
      "refused",
      "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the OpenTelemetry SDK, an optional part of Slipway, is not installed; " +
        'run "npm install @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http" where slipway is installed, or unset the variable',
      { cause, reason: "BadSetting" },
    );
  }
}

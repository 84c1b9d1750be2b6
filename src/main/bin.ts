import { slipwayVersion } from "./version.ts";

console.log(`slipway ${slipwayVersion()}`);

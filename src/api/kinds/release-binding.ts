import type { ApiObject } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { ageColumn, listAt, messageColumn, readyColumn, reasonColumn, short, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { conditionsSchema, observedGeneration } from "../meta.ts";
import { integer, listMap, object, text } from "../schema.ts";
import { commit, slipwayKind } from "../slipway.ts";

const description =
  "ReleaseBinding says which release, with which configuration, an environment runs of an application. It is a file in Git that only Slipway writes.";
const LANES = 20;
const name = (what: string) => text(what, { minLength: 1, maxLength: 253 });
const configuration = (what: string) => object(what, { commit: commit("The commit the configuration is read at.") }, {});

const schema = object(
  description,
  {
    spec: object(
      "Spec is what should run.",
      {
        application: name("The application."),
        environment: name("The environment."),
        release: name("The release: an immutable bundle, its name carries its digest."),
      },
      {
        configuration: configuration("Which configuration goes with it."),
        overrides: listMap(
          object(
            "What one lane runs instead.",
            { lane: name("The lane.") },
            { release: name("The release this lane runs."), configuration: configuration("Which configuration this lane has.") },
          ),
          ["lane"],
          "Lanes that run something else.",
          { maxItems: LANES },
        ),
      },
    ),
  },
  {
    status: object(
      "Status is what runs.",
      {},
      {
        observedGeneration,
        conditions: conditionsSchema,
        lanes: listMap(
          object(
            "What one lane runs.",
            { name: name("The lane.") },
            {
              current: text("The revision that runs."),
              proven: text("The revision that was proven last: the one to go back to."),
              override: object(
                "A decision that came before Git: it holds until Git has caught up.",
                { revision: text("The revision that is wanted.") },
                { seenCommit: commit("The commit Git was at when it was decided."), reason: text("Why.") },
              ),
              weight: integer("Percent of the requests that go to the newer revision.", { minimum: 0, maximum: 100 }),
            },
          ),
          ["name"],
          "What each lane runs.",
          { maxItems: LANES },
        ),
      },
    ),
  },
);

export const releaseBindingKind: Kind = {
  ...slipwayKind,
  kind: "ReleaseBinding",
  resource: "releasebindings",
  singular: "releasebinding",
  shortNames: ["binding", "rb"],
  categories: ["all", "slipway"],
  namespaced: true,
  description,
  schema,
  hasStatus: true,
  columns: [
    readyColumn,
    reasonColumn,
    textColumn("Release", "The release that should run.", (object) => textAt(object, "spec", "release")),
    ageColumn,
    textColumn("Application", "The application.", (object) => textAt(object, "spec", "application"), 1),
    textColumn("Environment", "The environment.", (object) => textAt(object, "spec", "environment"), 1),
    textColumn(
      "Configuration",
      "The commit of the configuration.",
      (object) => short(textAt(object, "spec", "configuration", "commit")),
      1,
    ),
    textColumn("Lanes", "What each lane runs.", laneText, 1),
    messageColumn,
  ],
  fields: {
    "spec.application": (object) => textAt(object, "spec", "application"),
    "spec.environment": (object) => textAt(object, "spec", "environment"),
    "spec.release": (object) => textAt(object, "spec", "release"),
  },
  validate: nameProblems,
};

function laneText(object: ApiObject): string {
  const lanes = listAt(object, "status", "lanes");
  return lanes.map((lane) => `${textAt(lane, "name")}=${short(textAt(lane, "current"))}`).join(",");
}

/** One binding for each application and environment: the name says which, so a second one cannot be. */
function nameProblems(object: ApiObject): readonly FieldProblem[] {
  const [application, environment] = [textAt(object, "spec", "application"), textAt(object, "spec", "environment")];
  const wanted = `${application}.${environment}`;
  if (application === "" || environment === "" || object.metadata.name === undefined || object.metadata.name === wanted) return [];
  return [
    {
      path: "metadata.name",
      code: "invalid",
      message: `${JSON.stringify(object.metadata.name.slice(0, 253))} is not APPLICATION.ENVIRONMENT`,
      hint: `name it ${wanted}`,
    },
  ];
}

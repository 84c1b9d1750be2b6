import type { ObjectKey } from "../domain/object/api-object.ts";
import { keyText } from "../domain/object/api-object.ts";
import type { StoredObject } from "../ports/resources.ts";
import type { AnyController, Conclusion, Controller, Decision, Done, PassResult, PassTools, Update } from "./controller.ts";

/** Hides the types of one controller, so that the loop can hold many: the same pass for every kind. */
export function passes<Seen, Command, Outcome>(controller: Controller<Seen, Command, Outcome>): AnyController {
  return { name: controller.name, pass: (key, tools) => pass(controller, key, tools) };
}

async function pass<Seen, Command, Outcome>(
  controller: Controller<Seen, Command, Outcome>,
  key: ObjectKey,
  tools: PassTools,
): Promise<PassResult> {
  tools.phase("observe");
  const seen = await controller.observe(key, tools.resources, tools.signal);
  tools.phase("decide");
  const decision = controller.decide(seen, tools.now());
  tools.phase("record");
  if (decision.commands.length === 0) {
    await tools.commit(decision, "succeeded");
    return { waiting: decision.wakeAt !== undefined };
  }
  const recorded = saysSomething(decision) ? await tools.commit(decision, "no") : [];
  tools.phase("act");
  const done = await actAll(controller, decision, tools);
  tools.phase("conclude");
  const conclusion = onto(recorded, controller.conclude(seen, done, tools.now()));
  const failure = done.map((one) => ("failure" in one ? one.failure : undefined)).find((found) => found !== undefined);
  if (failure === undefined) {
    await tools.commit(conclusion, "succeeded");
    return { waiting: conclusion.wakeAt !== undefined };
  }
  await tools.commit({ ...conclusion, wakeAt: conclusion.wakeAt ?? failure.again }, "failed");
  return { waiting: true, failure };
}

async function actAll<Seen, Command, Outcome>(
  controller: Controller<Seen, Command, Outcome>,
  { commands }: Decision<Command>,
  tools: PassTools,
): Promise<readonly Done<Command, Outcome>[]> {
  const done: Done<Command, Outcome>[] = [];
  for (const command of commands) {
    tools.signal.throwIfAborted();
    try {
      done.push({ command, outcome: await controller.act(command, tools.resources, tools.signal) });
    } catch (error) {
      // A lost lease ends the pass; anything else is for the controller to put into words.
      if (tools.signal.aborted) throw error;
      done.push({ command, failure: tools.failureOf(error) });
      return done;
    }
  }
  return done;
}

const saysSomething = ({ updates, events, records, wakes }: Conclusion): boolean =>
  updates.length > 0 || events.length > 0 || (records?.length ?? 0) > 0 || (wakes?.length ?? 0) > 0;

/** Our own first commit moved the object on: the conclusion is written onto that state, so that only a foreign write is a conflict. */
function onto(recorded: readonly StoredObject[], conclusion: Conclusion): Conclusion {
  const latest = new Map(recorded.map((stored) => [keyText(stored.key), stored]));
  const moved = (update: Update): Update => ({ ...update, of: latest.get(keyText(update.of.key)) ?? update.of });
  return { ...conclusion, updates: conclusion.updates.map(moved) };
}

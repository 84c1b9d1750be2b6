import { join } from "node:path";
import { instant } from "../../domain/units.ts";
import { gitContract } from "../../ports/git.contract.ts";
import { gitRepositories } from "./git.ts";
import { realRepository, sandbox } from "./test-repository.ts";

gitContract("real repositories", async () => {
  const box = await sandbox();
  const open = (name: string) => gitRepositories({ root: join(box.path, name), environment: process.env, now: () => instant(Date.now()) });
  const { source, writer } = open("mirrors");
  let others = 0;
  let made = 0;
  return {
    source,
    writer,
    // every second one shares the mirrors, as processes of one machine do
    anotherWriter: () => open((others += 1) % 2 === 0 ? "mirrors" : `mirrors-${others}`).writer,
    nowhere: { url: join(box.path, "nowhere") },
    close: () => box.close(),
    create: () => realRepository(join(box.path, `repository ${(made += 1)}.git`)),
  };
});

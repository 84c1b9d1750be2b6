import { gitContract } from "../../ports/git.contract.ts";
import { instant } from "../../domain/units.ts";
import { memoryGit } from "./git.ts";

gitContract("memory", () => {
  let now = 1_700_000_000_000;
  const git = memoryGit(() => instant((now += 1000)));
  let made = 0;
  return Promise.resolve({
    source: git.source,
    writer: git.writer,
    anotherWriter: () => git.writer,
    nowhere: { url: "/nowhere" },
    close: () => Promise.resolve(),
    create: () => {
      made += 1;
      const repository = git.repository(`/repository/${made}`);
      return Promise.resolve({
        remote: { url: repository.url },
        push: (...args: Parameters<typeof repository.push>) => Promise.resolve(repository.push(...args)),
        rewrite: (...args: Parameters<typeof repository.rewrite>) => Promise.resolve(repository.rewrite(...args)),
        tag: (name: string, commit: string) => {
          repository.tag(name, commit);
          return Promise.resolve();
        },
        log: (branch: string) => Promise.resolve(repository.log(branch)),
        file: (branch: string, path: string) => Promise.resolve(repository.file(branch, path)),
      });
    },
  });
});

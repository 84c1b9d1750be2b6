/**
 * The parts of a path as people and the API write it: `spec.lanes[0].name` is "spec", "lanes", 0, "name", and `metadata.annotations[a.b/c]` ends with "a.b/c".
 * Any text gives some path; what cannot be read as a part is taken as a name.
 */
export function documentPath(text: string): readonly (string | number)[] {
  return [...text.matchAll(/\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g)].map(([, index, quoted, name]) =>
    index === undefined ? (quoted ?? name ?? "") : Number(index),
  );
}

/**
 * The three functions of the Reflect metadata proposal that @peculiar/x509's dependency container asks for when it is loaded. It registers classes
 * without constructor parameters only, so there is never any metadata to find; a whole polyfill (`reflect-metadata`) would be a dependency for that.
 * To be imported before the library. Leaves an implementation that is there alone.
 */
interface Metadata {
  getMetadata?: (name: unknown, target: object) => unknown;
  getOwnMetadata?: (name: unknown, target: object) => unknown;
  defineMetadata?: (name: unknown, value: unknown, target: object) => void;
}

const kept = new WeakMap<object, Map<unknown, unknown>>();
const find = (name: unknown, target: object): unknown => kept.get(target)?.get(name);
const reflect: Metadata & object = Object(Reflect) as Metadata; // the proposal's functions are not in TypeScript's Reflect

reflect.getMetadata ??= find;
reflect.getOwnMetadata ??= find;
reflect.defineMetadata ??= (name, value, target) => {
  kept.set(target, (kept.get(target) ?? new Map<unknown, unknown>()).set(name, value));
};

// What the scripts of the pages find there, for the type checker.

declare const npflPractice: { numpy: boolean; notebook: number; page: number; figures: number; first?: string };

// The frames of the page's figures by name, in a file of their own.
declare const npflFrames: Record<string, { changes: [number, string, string[], number[]][]; says: string[] }>;

// Of explore.js; the export of the book calls it.
declare function npflStrip(figure: HTMLElement, data: { changes: [number, string, string[], number[]][]; says: string[] }): void;

interface Window {
  jupyterapp?: any; // JupyterLite's application, in its frame
  Worker: typeof Worker;
}

interface Element {
  closest<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K] | null;
  closest<E extends Element = HTMLElement>(selectors: string): E | null;
}

interface Node {
  cloneNode(deep?: boolean): this;
}

interface Storage {
  blocked?: boolean; // start.js puts one in the place of a storage that is blocked
}

// Our selectors name elements of HTML; an input or a link says so where it is used.
interface ParentNode {
  querySelector<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K] | null;
  querySelectorAll<K extends keyof HTMLElementTagNameMap>(selectors: K): NodeListOf<HTMLElementTagNameMap[K]>;
  querySelector<E extends Element = HTMLElement>(selectors: string): E | null;
  querySelectorAll<E extends Element = HTMLElement>(selectors: string): NodeListOf<E>;
}

// Of npm: the build puts them beside find.js.
declare module "*/minisearch.js" {
  export default class {
    constructor(options: object);
    addAllAsync(documents: object[], options: object): Promise<void>;
    search(query: string, options: object): { id: string; score: number; terms: string[]; queryTerms: string[] }[];
  }
}
declare module "*/stemmer.js" {
  export function stemmer(word: string): string;
}

declare module "*/pyodide.mjs" {
  export function loadPyodide(options: object): Promise<any>;
}

// Of Node, as far as purge.mjs uses it.
declare const process: { stdin: object; stdout: { write(bytes: Uint8Array): void } };
declare const Buffer: { from(text: string): Uint8Array };
declare module "node:fs" {
  export function readFileSync(path: string, encoding: "utf8"): string;
}
declare module "node:stream/consumers" {
  export function text(stream: object): Promise<string>;
}

// Reads { css, content } as JSON from standard input and writes the rules that the content uses.
import { PurgeCSS } from "purgecss";
import { text } from "node:stream/consumers";

const { css, content } = JSON.parse(await text(process.stdin));
const [{ css: used }] = await new PurgeCSS().purge({
  content,
  css: [{ raw: css }],
  fontFace: true,
  keyframes: true,
  // Set by scripts and by the browser.
  dynamicAttributes: ["data-theme", "data-mode", "data-bs-theme", "aria-expanded", "aria-current", "hidden", "open", "type"],
  safelist: { greedy: [/npfl/] },
});
process.stdout.write(used);

// Reads { css, content } as JSON from standard input and writes the rules that the content uses, in few bytes.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { transform } from "lightningcss";
import { PurgeCSS } from "purgecss";

const { css, content } = JSON.parse(await text(process.stdin));
// Pictures and scripts use variables of the theme too.
const named = content.flatMap((path) => readFileSync(path, "utf8").match(/--[a-z][\w-]+/g) ?? []);
const [{ css: used }] = await new PurgeCSS().purge({
  content,
  css: [{ raw: css }],
  fontFace: true,
  keyframes: true,
  variables: true,
  // Set by scripts and by the browser.
  dynamicAttributes: ["data-theme", "data-mode", "data-bs-theme", "aria-expanded", "aria-current", "hidden", "open", "type"],
  safelist: { greedy: [/npfl/], variables: [...new Set(named)] },
});
process.stdout.write(transform({ filename: "site.css", code: Buffer.from(used), minify: true }).code);

// Builds the one bundle that every host loads: src/babygpt/static/studio.js.
//   node build.mjs           build
//   node build.mjs --watch   build again after each change
//   node build.mjs --check   say whether the bundle there is what the source builds, and small enough
//   node build.mjs --tests   bundle the tests to .tests/, where node runs them
import { readdirSync, readFileSync, rmSync } from "node:fs";
import * as esbuild from "esbuild";

/** Styles come into the bundle as text, minified like the rest. */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "css", minify: true, charset: "utf8" });
      return { contents: code, loader: "text" };
    });
  },
};

/** The other languages come without their keys, which are those of English in the same order: 7 kB less. */
const languages = {
  name: "languages",
  setup(build) {
    const read = async (path) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "ts" });
      return Object.values(await import(`data:text/javascript,${encodeURIComponent(code)}`))[0];
    };
    build.onLoad({ filter: /texts[\\/]zh\.ts$/ }, async ({ path }) => {
      const [keys, texts] = [await read("src/texts/en.ts"), await read(path)];
      const values = JSON.stringify(Object.keys(keys).map((key) => texts[key]));
      const contents = `import { en } from "./en";
        const values = ${values};
        export const zh = Object.fromEntries(Object.keys(en).map((key, i) => [key, values[i]]));`;
      return { contents, loader: "js" };
    });
  },
};

const BUNDLE = "../src/babygpt/static/studio.js";
const LARGEST = 150_000; // bytes

const shared = {
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [styles, languages],
  logLevel: "warning",
};

if (process.argv.includes("--tests")) {
  rmSync(".tests", { recursive: true, force: true });
  const tests = readdirSync("tests").filter((name) => /\.test\.tsx?$/.test(name));
  await esbuild.build({
    ...shared,
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: ".tests",
    outExtension: { ".js": ".mjs" },
    platform: "node",
  });
} else {
  const options = {
    ...shared,
    entryPoints: ["src/studio.tsx"],
    outfile: BUNDLE,
    minify: true,
    legalComments: "none",
    charset: "utf8",
  };
  if (process.argv.includes("--check")) {
    const built = await esbuild.build({ ...options, write: false });
    const bundle = built.outputFiles[0].contents;
    if (!readFileSync(BUNDLE).equals(bundle)) throw new Error("The bundle is not what its source builds: run make screen.");
    if (bundle.length > LARGEST) throw new Error(`The bundle has ${bundle.length} bytes; the limit is ${LARGEST}.`);
    console.log(`the bundle is up to date: ${bundle.length} bytes`);
  } else if (process.argv.includes("--watch")) await (await esbuild.context(options)).watch();
  else await esbuild.build(options);
}

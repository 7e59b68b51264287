// Builds the one bundle that every host loads: src/babygpt/static/studio.js.
//   node build.mjs           build
//   node build.mjs --watch   build again after each change
//   node build.mjs --check   say whether the bundle there is what the source builds, and it and the engine are small enough
//   node build.mjs --tests   bundle the tests to .tests/, where node runs them
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
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

const BUNDLE = "../src/babygpt/static/studio.js";
const NOTICES = "../src/babygpt/static/studio.js.LICENSES.txt";
const LARGEST = 102_000; // bytes, as gzip packs them
const LARGEST_ENGINE = 12_000; // of these, what thinks in a page

/** The notices of the packages whose code is in a bundle, as their licences want them to go with it. */
function notices(metafile) {
  const inputs = Object.keys(metafile.inputs).map((path) => path.match(/.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/)?.[1]);
  const packages = [...new Set(inputs.filter(Boolean))].sort();
  const parts = packages.map((name) => {
    const folder = `node_modules/${name}`;
    const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (!file) throw new Error(`${name} comes without the text of its licence.`);
    return `${name} ${version} (${license})\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
  });
  return ["studio.js contains code of these packages.\n", ...parts].join(`\n${"-".repeat(80)}\n\n`);
}

const shared = {
  bundle: true,
  target: "es2022",
  // as h("p", { class }, text), which is shorter than the jsx("p", { class, children: text }) of tsconfig.json
  tsconfigRaw: { compilerOptions: { jsx: "react", jsxFactory: "jsxElement", jsxFragmentFactory: "jsxFragment" } },
  inject: ["src/jsx.ts"],
  plugins: [styles],
  logLevel: "warning",
};

if (process.argv.includes("--tests")) {
  rmSync(".tests", { recursive: true, force: true });
  const tests = readdirSync("tests", { recursive: true }).filter((name) => /\.test\.tsx?$/.test(name));
  await esbuild.build({
    ...shared,
    format: "esm",
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: ".tests",
    outExtension: { ".js": ".mjs" },
    platform: "node",
  });
} else {
  const options = {
    ...shared,
    format: "iife", // a page may hold it as it is, and make a worker of it
    entryPoints: ["src/studio.tsx"],
    outfile: BUNDLE,
    minify: true,
    legalComments: "none", // the notices stand in a file beside the bundle
    banner: { js: "// Licences of what is in here: studio.js.LICENSES.txt" },
    charset: "utf8",
    metafile: true,
  };
  if (process.argv.includes("--check")) {
    const built = await esbuild.build({ ...options, write: false });
    const bundle = built.outputFiles[0].contents;
    if (!readFileSync(BUNDLE).equals(bundle)) throw new Error("The bundle is not what its source builds: run make screen.");
    const told = notices(built.metafile);
    if (readFileSync(NOTICES, "utf8") !== told) throw new Error("The licences are not those of the bundle: run make screen.");
    const packed = gzipSync(bundle, { level: 9 }).length;
    if (packed > LARGEST) throw new Error(`The bundle has ${packed} bytes as gzip packs it; the limit is ${LARGEST}.`);
    const engine = await esbuild.build({ ...options, format: "esm", entryPoints: ["src/engine/index.ts"], inject: [], write: false });
    const thinking = gzipSync(engine.outputFiles[0].contents, { level: 9 }).length;
    if (thinking > LARGEST_ENGINE) throw new Error(`The engine has ${thinking} bytes as gzip packs it; the limit is ${LARGEST_ENGINE}.`);
    console.log(`the bundle is up to date: ${packed} bytes as gzip packs it, ${bundle.length} before`);
  } else if (process.argv.includes("--watch")) await (await esbuild.context(options)).watch();
  else writeFileSync(NOTICES, notices((await esbuild.build(options)).metafile));
}

// Builds the one script that every host loads: src/babygpt/static/studio.js.gz.
//   node build.mjs           build
//   node build.mjs --check   say whether the bundle there is what the source builds, and it and the engine are small enough
//   node build.mjs --tests   bundle the tests to .tests/, where node runs them
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import zopfli from "@gfx/zopfli";
import * as esbuild from "esbuild";
import { minify } from "terser";

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

const BUNDLE = "../src/babygpt/static/studio.js.gz"; // packed once, for whoever serves it and for every page that holds it
const NOTICES = "../src/babygpt/static/studio.js.LICENSES.txt";
const LARGEST = 145_000; // bytes, packed: a film, a code to scan, a game to print and a second language are in it
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
    globalName: "BabyGPT", // of which a notebook makes a module
    entryPoints: ["src/studio.tsx"],
    minify: true,
    legalComments: "none", // the notices stand in a file beside the bundle
    charset: "utf8",
    metafile: true,
    write: false,
  };
  const build = async () => {
    const { outputFiles, metafile } = await esbuild.build(options);
    const script = `// Licences of what is in here: studio.js.LICENSES.txt\n${await smaller(outputFiles[0].text)}`;
    return { script, packed: Buffer.from(await zopfli.gzipAsync(Buffer.from(script), { numiterations: 15 })), told: notices(metafile) };
  };
  if (process.argv.includes("--check")) {
    const { script, packed, told } = await build();
    if (!gunzipSync(readFileSync(BUNDLE)).equals(Buffer.from(script))) throw new Error("The bundle is not what its source builds: run make screen.");
    if (readFileSync(NOTICES, "utf8") !== told) throw new Error("The licences are not those of the bundle: run make screen.");
    if (packed.length > LARGEST) throw new Error(`The bundle has ${packed.length} bytes, packed; the limit is ${LARGEST}.`);
    const engine = await esbuild.build({ ...options, format: "esm", entryPoints: ["src/engine/index.ts"], inject: [] });
    const thinking = gzipSync(engine.outputFiles[0].contents, { level: 9 }).length;
    if (thinking > LARGEST_ENGINE) throw new Error(`The engine has ${thinking} bytes as gzip packs it; the limit is ${LARGEST_ENGINE}.`);
    console.log(`the bundle is up to date: ${packed.length} bytes, packed; ${script.length} characters before`);
  } else {
    const { packed, told } = await build();
    writeFileSync(BUNDLE, packed);
    writeFileSync(NOTICES, told);
  }
}

/** The same script in fewer characters than esbuild needs. */
async function smaller(script) {
  return (await minify(script, { ecma: 2022, compress: { passes: 2 }, mangle: true })).code;
}

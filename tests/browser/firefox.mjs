// Opens a page as a file in Firefox, uses it as a reader would, and says as JSON what was there: node firefox.mjs FILE FIREFOX.

import puppeteer from "../../frontend/node_modules/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js";

const [file, executablePath] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, defaultViewport: null });
try {
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (said) => said.type() === "error" && wrong.push(said.text()));
  page.on("request", (request) => /^(file|blob|data):/.test(request.url()) || wrong.push(request.url()));
  await page.goto(`file://${file}#lang=en&view=table`);
  const until = async (selector) => void (await page.waitForSelector(selector, { timeout: 30_000 }));
  const click = (name) =>
    page.evaluate((name) => [...document.querySelectorAll("button, [role=radio]")].find((one) => one.textContent.trim() === name).click(), name);
  await until(".table-row");
  await click("Train");
  await until('.drawing[data-step="50"]');
  const rows = () => page.evaluate(() => [...document.querySelectorAll(".table-row")].map((row) => row.innerText.replace(/\s+/g, " ")));
  const trained = await rows();
  await click("Graph");
  await until(".g-graph");
  await click("Many seeds");
  await until(".g-band");
  await click("中文");
  await until('html[lang^="zh"]');
  const title = await page.evaluate(() => document.querySelector("aside h2").textContent);
  console.log(JSON.stringify({ trained, title, wrong }));
} finally {
  await browser.close();
}

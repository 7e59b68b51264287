// What JSX becomes: build.mjs brings these two into every file, under names that no variable there has.
export { Fragment as jsxFragment, h as jsxElement } from "preact";

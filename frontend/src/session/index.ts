// The session of a page: commands go in, views come out.

export { Limits } from "./limits";
export { Session } from "./session";
export type { Revisions } from "./views";

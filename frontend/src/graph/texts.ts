export const GRAPH_TEXTS: Record<string, string> = {
  "graph.label": "The chain: {n} states and the arrows between them",
  "graph.role": "state",
  "graph.node": "{context}, {arrows}, {seen}",
  "graph.node.nothing": "{context}, {seen}",
  "graph.arrow": "{token} with {percent}",
  "graph.arrow.difference": "{token}: {points} percentage points",
  "graph.seen": "seen in the data",
  "graph.unseen": "never seen in the data",
  "graph.share": "{context}: {percent} of the time in the long run",
  "sentence.comma": ", ",
  "graph.walk": "Walk from {context} along {token} to {next} ({percent})",
};

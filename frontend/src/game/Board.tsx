// The states as a board to play on: the graph as it is drawn, on paper. Tokens are told apart by their arrowheads.

import { placeLabels, route } from "../graph/arrows";
import { boxesMeet, pathOf, type Stadium } from "../graph/curve";
import { headPath, isOpen } from "../graph/heads";
import { type Layout, layOut, PAPER, TALL, textWidth, WIDE } from "../graph/layout";
import { headBreadth, inkOf } from "../graph/strength";
import type { Game } from "./game";

const ALL_LABELLED = 16; // arrows; with more, the numbers stand in the table alone
const BRIEF = 3; // em: tokens that are written at their arrows
const TOKENS = 8; // colours
const DEGREES = 180 / Math.PI;

interface Props {
  game: Game;
  labels: readonly string[];
  separator: string;
  names: readonly string[];
  seen: (state: number) => boolean;
  name: string; // of the drawing
}

/** Whether there is room for the numbers at the arrows. */
export const hasNumbers = (game: Game): boolean => game.played.logProbs.length <= ALL_LABELLED;

export function Board({ game, labels, separator, names, seen, name }: Props) {
  const { vocabSize: V, contextLength: K } = game.played;
  const layOutFor = (signs: readonly string[], between: string): Layout => {
    const layouts = [PAPER, TALL, WIDE].map((sheet) => layOut(V, K, signs, between, sheet));
    return layouts.find(isApart) ?? layouts[2]!;
  };
  const named = layOutFor(labels, separator);
  // numbers in place of names need no room for these
  const layout = named.names[0] === names[0] ? named : layOutFor(labels.map(() => "0"), "");
  const arrows = route(layout);
  const moves = game.squares.flatMap((square, state) => square.moves.map((move) => ({ ...move, number: state * V + move.token })));
  const numbers = moves.map(({ number }) => number);
  const brief = labels.every((label) => textWidth(label, 1) <= BRIEF); // long tokens are told by their arrowheads alone
  const texts = moves.map(({ token, first, last }) => [brief ? `${labels[token]}: ` : "", range(first, last)] as const);
  const placed = hasNumbers(game) ? placeLabels(layout, arrows, numbers, texts.map((parts) => parts.join("")), numbers) : [];
  const inside = layout.naming === "inside";
  return (
    <svg class="game-board" viewBox={`0 0 ${layout.width} ${layout.height}`} role="img" aria-label={name}>
      {moves.map(({ number, token, first, last }) => {
        const { line, tip, angle } = arrows(number);
        const { width } = inkOf((last - first + 1) / 100, layout);
        return (
          <g key={number} class={`g-arrow g-token-${token % TOKENS}`} stroke-width={width}>
            <path class="g-line" d={pathOf(line)} />
            <path
              class={isOpen(token) ? "g-head g-open" : "g-head"}
              d={headPath(token, layout.arrowHead, headBreadth(layout.arrowHead, width))}
              transform={`translate(${tip.x} ${tip.y}) rotate(${angle * DEGREES})`}
            />
          </g>
        );
      })}
      {layout.states.map((shape, state) => (
        <g key={state} class={seen(state) ? "" : "g-unseen"} transform={`translate(${shape.x} ${shape.y})`} data-state={state}>
          {state === game.start && outline("game-start", shape, inside ? 4.5 : 3.5)}
          {outline("g-disc", shape, 0)}
          {inside ? (
            <text class="g-name" font-size={layout.fontSize} dy="0.35em">
              {names[state]}
            </text>
          ) : (
            <OuterName name={names[state]!} angle={layout.outward[state]!} from={shape.radius + 8} size={layout.fontSize} />
          )}
        </g>
      ))}
      {placed.map(({ arrow, x, y }, i) => (
        <text key={arrow} class="g-label" font-size={layout.labelSize} x={x} y={y} dy="0.35em">
          {texts[i]![0]}
          <tspan class="g-symbol">{texts[i]![1]}</tspan>
        </text>
      ))}
    </svg>
  );
}

/** Whether no two states overlap: broad names may need a broad drawing. */
function isApart({ states }: Layout): boolean {
  const boxes = states.map(({ x, y, halfWidth, radius }) => ({ x, y, halfWidth, halfHeight: radius }));
  return boxes.every((box, i) => boxes.every((other, j) => i <= j || !boxesMeet(box, other)));
}

/** "28–100", or "7" for one number alone. */
export const range = (first: number, last: number): string => (first === last ? String(first) : `${first}–${last}`);

function outline(name: string, { halfWidth, radius }: Stadium, by: number) {
  const [w, r] = [halfWidth + by, radius + by];
  return <rect class={name} x={-w} y={-r} width={2 * w} height={2 * r} rx={r} />;
}

/** The name of a small state, written outward from it. */
function OuterName(props: { name: string; angle: number; from: number; size: number }) {
  const left = Math.cos(props.angle) < -1e-9;
  const degrees = props.angle * DEGREES + (left ? 180 : 0);
  return (
    <text
      class="g-name g-outer"
      font-size={props.size}
      dy="0.35em"
      text-anchor={left ? "end" : "start"}
      transform={`rotate(${degrees}) translate(${left ? -props.from : props.from} 0)`}
    >
      {props.name}
    </text>
  );
}

/** An arrowhead as a sign for its token. */
export function Head({ token }: { token: number }) {
  return (
    <svg class={`game-head g-arrow g-token-${token % TOKENS}`} viewBox="-15 -7 16 14" aria-hidden="true">
      <path class={isOpen(token) ? "g-head g-open" : "g-head"} d={headPath(token, 13, 5.5)} />
    </svg>
  );
}

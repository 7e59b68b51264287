// The pages of a game: the board, the numbers with room for strokes, questions, cards to cut out, and the answers. What
// stands on which page follows from how many lines it takes, so that what is shown is what is printed.

import type { ComponentChildren } from "preact";
import { textWidth } from "../graph/layout";
import { count } from "../numbers";
import type { Text } from "../texts";
import { Board, hasNumbers, Head, range } from "./Board";
import { type Answers, type Game, MOVES } from "./game";

/** The papers, in mm, and what they leave for the rows of a page below its title. */
export const PAPERS = { a4: { height: 297 }, letter: { height: 279.4 } };
export type Paper = keyof typeof PAPERS;
const AROUND = 71; // mm of a page that margins, title, heads of columns and footer take

/** How large the numbers are written: the largest that takes the fewest pages. In mm. */
const SIZES = [
  { columns: 1, line: 8, side: 1, pad: 4 },
  { columns: 1, line: 6, side: 1, pad: 2 },
  { columns: 1, line: 5.2, side: 1, pad: 1.6 },
  { columns: 2, line: 5.2, side: 1, pad: 1.6 },
  { columns: 1, line: 5.2, side: 3, pad: 2 },
  { columns: 2, line: 4.4, side: 1, pad: 1.2 },
];
const MOST_STRETCHED = 1.9;
const NARROW = 4.5; // em: names up to so broad may stand in two columns
const FEW = 12; // states whose answers fit on one page
const IN_A_COLUMN = 32; // states in the table of the answers
const MOST_LISTED = 8; // names in a sentence
const RARE_LISTED = 6;
const BETWEEN = " · "; // two names in a list: they may have commas themselves

/** All that a sheet is made of. */
export interface Sheet {
  readonly game: Game;
  readonly answers: Answers;
  readonly labels: readonly string[];
  readonly separator: string;
  readonly names: readonly string[]; // of the states, on the board
  readonly full: readonly string[]; // the same, however long
  readonly inText: readonly number[] | null; // how often each state goes on in the text; null: not known yet
  readonly seen: (state: number) => boolean;
  readonly ofData: boolean; // the chain is the data's, not a GPT's
  readonly learnt: string; // the text, shortened
  readonly about: string; // what chain this is
  readonly link: string | null;
  readonly date: string;
}

interface Props {
  sheet: Sheet;
  paper: Paper;
  cards: boolean; // to draw from, not dice
  withAnswers: boolean;
  text: Text;
}

export function Pages({ sheet, paper, cards, withAnswers, text: t }: Props) {
  const pages: { title: string; sub?: string; name: string; body: ComponentChildren }[] = [];
  pages.push({ title: t("game.title"), sub: t(sheet.ofData ? "game.sub.data" : "game.sub", { n: sheet.names.length, text: sheet.learnt }), name: "board", body: <BoardPage sheet={sheet} cards={cards} t={t} /> });
  for (const [i, columns] of laid(sheet, PAPERS[paper].height - AROUND).entries()) {
    pages.push({ title: t("game.numbers"), sub: i === 0 ? t(cards ? "game.numbers.cards" : "game.numbers.dice") : undefined, name: "numbers", body: <NumbersPage sheet={sheet} columns={columns} t={t} /> });
  }
  const asked = questions(sheet, t);
  pages.push({
    title: t("game.questions"),
    name: "questions",
    body: (
      <ol class="game-questions">
        {asked.map(({ question }) => (
          <li key={question}>
            <p>{question}</p>
            <div class="game-lines" />
          </li>
        ))}
      </ol>
    ),
  });
  if (cards) pages.push({ title: t("game.cards"), sub: t("game.cards.cut"), name: "cards", body: <Cards /> });
  if (withAnswers) {
    const said = (
      <ol class="game-answers">
        {asked.map(({ question, answer }) => (
          <li key={question}>
            <p>{question}</p>
            <p class="game-answer">{answer}</p>
          </li>
        ))}
      </ol>
    );
    const table = <KeyTable sheet={sheet} t={t} />;
    const few = sheet.names.length <= FEW;
    pages.push({ title: t("game.key"), sub: t("game.key.sub"), name: "key", body: few ? [said, table] : said });
    if (!few) pages.push({ title: t("game.key"), name: "key", body: table });
  }
  return (
    <>
      {pages.map(({ title, sub, name, body }, i) => (
        <section key={i} class="game-page" data-page={name} aria-label={title}>
          <header>
            <h1>{title}</h1>
            {sub && <p>{sub}</p>}
          </header>
          <div class="game-body">{body}</div>
          <footer>
            <span>
              {sheet.about}
              {sheet.link && <span class="game-link">{sheet.link}</span>}
            </span>
            <span>
              {sheet.date} · {i + 1}/{pages.length}
            </span>
          </footer>
        </section>
      ))}
    </>
  );
}

function BoardPage({ sheet, cards, t }: { sheet: Sheet; cards: boolean; t: Text }) {
  const { game, names, labels } = sheet;
  const few = hasNumbers(game);
  const rules = [
    t("game.rule.start", { start: names[game.start]! }),
    t(cards ? "game.rule.cards" : "game.rule.dice"),
    t(few ? "game.rule.move" : "game.rule.table"),
    t("game.rule.stroke", { n: MOVES }),
  ];
  return (
    <>
      <div class="game-legend">
        {labels.length <= 8
          ? labels.map((label, token) => (
              <span key={token}>
                <Head token={token} /> {label}
              </span>
            ))
          : t("game.legend")}
        {sheet.names.some((_, state) => !sheet.seen(state)) && <span class="game-dashed">{t("game.dashed")}</span>}
      </div>
      <Board game={game} labels={labels} separator={sheet.separator} names={names} seen={sheet.seen} name={t("graph.label", { n: count(names.length) })} />
      <ol class="game-rules">
        {rules.map((rule) => (
          <li key={rule}>{rule}</li>
        ))}
      </ol>
    </>
  );
}

interface Laid {
  readonly size: (typeof SIZES)[number];
  readonly columns: readonly (readonly { readonly state: number; readonly height: number }[])[]; // mm
}

/** The states by page and column, and how large they are written there. */
function laid({ game, names }: Sheet, room: number): Laid[] {
  const broad = Math.max(...names.map((name) => textWidth(name, 1))) > NARROW;
  let best: Laid[] | null = null;
  for (const size of SIZES) {
    const heights = game.squares.map((square) => size.line * linesOf(square, size.side) + size.pad);
    if ((size.columns > 1 && broad) || heights.some((height) => height > room)) continue;
    const fill = (limit: number): number[][] => {
      const columns: number[][] = [];
      let left = 0;
      heights.forEach((height, state) => {
        if (height > left) {
          columns.push([]);
          left = limit;
        }
        columns.at(-1)!.push(state);
        left -= height;
      });
      return columns;
    };
    const pages = Math.ceil(fill(room).length / size.columns);
    // all columns about as full
    let limit = Math.max(...heights);
    while (fill(limit).length > pages * size.columns) limit++;
    if (best && best.length <= pages) continue;
    // and as high as the page, but for rows that would be mostly empty
    const stretch = Math.min(MOST_STRETCHED, room / Math.min(limit, room));
    const columns = fill(Math.min(limit, room)).map((states) => states.map((state) => ({ state, height: heights[state]! * stretch })));
    best = Array.from({ length: pages }, (_, page) => ({ size, columns: columns.slice(page * size.columns, (page + 1) * size.columns) }));
  }
  return best!;
}

const linesOf = ({ moves, tooRare }: Game["squares"][number], side: number): number =>
  Math.max(1, Math.ceil(moves.length / side)) + (tooRare.length > 0 ? 1 : 0);

function NumbersPage({ sheet, columns: { size, columns }, t }: { sheet: Sheet; columns: Laid; t: Text }) {
  const { game, names, full, labels } = sheet;
  const style = { "--high": `${size.line}mm`, "--side": size.side };
  return (
    <>
      <p class="game-group">
        <span>{t("game.group")}</span>
        <span>{t("game.moves", { n: MOVES })}</span>
      </p>
      <div class="game-columns" style={style}>
        {columns.map((rows, i) => (
          <div key={i} class="game-column">
            <div class="game-row game-heads">
              <span>{t("game.state")}</span>
              <span>{t("game.next")}</span>
              <span>{t("game.strokes")}</span>
              <span>{t("game.total")}</span>
            </div>
            {rows.map(({ state, height }) => {
              const { moves, tooRare } = game.squares[state]!;
              const rare = tooRare.slice(0, RARE_LISTED).map((token) => labels[token]);
              if (tooRare.length > RARE_LISTED) rare.push("…");
              return (
                <div key={state} class="game-row" data-state={state} style={{ height: `${height}mm` }}>
                  <span class="game-state" data-start={state === game.start}>
                    <b>{names[state]}</b>
                    {full[state] !== names[state] && <small>{full[state]}</small>}
                  </span>
                  <span class="game-moves">
                    {moves.map(({ token, to, first, last }) => (
                      <span key={token} class="game-move" data-first={first} data-last={last}>
                        <b>{range(first, last)}</b>
                        <Head token={token} />
                        <span class="game-token">{labels[token]}</span>
                        {names[to] !== labels[token] && <span>→ {names[to]}</span>}
                      </span>
                    ))}
                    {moves.length === 0 && <i>{t("game.stop")}</i>}
                    {rare.length > 0 && <i class="game-rare">{t("game.rare", { tokens: rare.join(BETWEEN) })}</i>}
                  </span>
                  <span />
                  <span />
                </div>
              );
            })}
          </div>
        ))}
      </div>
    </>
  );
}

function Cards() {
  return (
    <div class="game-cards">
      {Array.from({ length: 100 }, (_, i) => (
        <span key={i}>{i + 1}</span>
      ))}
    </div>
  );
}

const share = (p: number): string => `${(100 * p).toFixed(1)} %`;
const about = (x: number): string => (x < 9.95 ? x.toFixed(1) : count(Math.round(x)));

/** The shares of all states: expected strokes, π as played and before rounding, and in the text. */
function KeyTable({ sheet, t }: { sheet: Sheet; t: Text }) {
  const { answers, names, inText } = sheet;
  const total = inText?.reduce((a, b) => a + b, 0) ?? 0;
  const states = [...names.keys()];
  const rows = names.length <= FEW ? names.length : Math.min(IN_A_COLUMN, Math.ceil(names.length / 2));
  const most = Math.max(...states.map((state) => answers.mean[state]! + answers.spread[state]!), 1);
  const columns = Array.from({ length: Math.ceil(names.length / rows) }, (_, i) => states.slice(i * rows, (i + 1) * rows));
  return (
    <>
      <div class="game-tables">
        {columns.map((column) => (
          <table key={column[0]} class="game-key">
            <thead>
              <tr>
                <th>{t("game.state")}</th>
                <th>{t("game.expected")}</th>
                {columns.length === 1 && <td />}
                <th>{t("game.pi.played")}</th>
                <th>{t("game.pi.exact")}</th>
                <th>{t("game.in_text")}</th>
              </tr>
            </thead>
            <tbody>
              {column.map((state) => {
                const [mean, spread] = [answers.mean[state]!, answers.spread[state]!];
                return (
                  <tr key={state} data-state={state}>
                    <th>{names[state]}</th>
                    <td>
                      {about(mean)} ± {about(spread)}
                    </td>
                    {columns.length === 1 && (
                      <td class="game-bar">
                        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                          <rect width={(100 * mean) / most} height="10" />
                          <path d={`M${(100 * Math.max(0, mean - spread)) / most} 5H${(100 * (mean + spread)) / most}`} />
                        </svg>
                      </td>
                    )}
                    <td>{share(answers.long[state]!)}</td>
                    <td>{share(answers.exact[state]!)}</td>
                    <td>{total > 0 ? share(inText![state]! / total) : "–"}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        ))}
      </div>
      <p class="game-note">{t("game.key.note", { n: MOVES })}</p>
    </>
  );
}

/** What is asked, and what the answers are. */
function questions(sheet: Sheet, t: Text): { question: string; answer: string }[] {
  const { game, answers, names, labels } = sheet;
  const { mean, spread, most, never, left, hardest, surest, path, far, again, stops } = answers;
  const start = names[game.start]!;
  const list = (states: readonly number[]): string => {
    const said = states.slice(0, MOST_LISTED).map((state) => names[state]!);
    const more = states.length - said.length;
    return said.join(BETWEEN) + (more > 0 ? t("game.and_more", { n: more }) : "");
  };
  const odds = (state: number): string =>
    [...game.squares[state]!.moves]
      .sort((a, b) => b.last - b.first - (a.last - a.first))
      .slice(0, 3)
      .map(({ token, first, last }) => t("game.odds", { token: labels[token]!, n: last - first + 1 }))
      .join(BETWEEN);
  const asked: { question: string; answer: string }[] = [];
  const ask = (question: string, answer: string) => asked.push({ question, answer });
  ask(t("game.q.most", { start, n: MOVES }), t("game.a.most", { states: list(most), n: about(mean[most[0]!]!), spread: about(spread[most[0]!]!) }));
  if (hardest.length > 0) {
    ask(t("game.q.hardest"), hardest.includes(surest[0]!) ? t("game.a.alike") : t("game.a.hardest", { hard: list(hardest), hardly: odds(hardest[0]!), sure: list(surest), surely: odds(surest[0]!) }));
  }
  const moves = path.states.length - 1;
  ask(t("game.q.path", { start, moves }), t("game.a.path", { path: path.states.map((state) => names[state]).join(" → "), percent: share(path.p) }));
  const reach = [never.length > 0 ? t("game.a.never", { states: list(never) }) : t("game.a.everywhere"), left.length > 0 ? t("game.a.left", { states: list(left) }) : ""];
  ask(t("game.q.never", { start }), reach.join(" ").trim());
  if (far) ask(t("game.q.far", { start, state: names[far.to]! }), t("game.a.far", { moves: about(far.moves) }));
  if (stops !== null) ask(t("game.q.stops", { start }), t("game.a.far", { moves: about(stops) }));
  if (again) ask(t("game.q.again", { state: names[again.state]! }), t("game.a.again", { moves: again.moves.toFixed(1), share: share(1 / again.moves) }));
  const unseen = sheet.ofData ? [] : [...names.keys()].filter((state) => !sheet.seen(state));
  if (unseen.length > 0) {
    const there = unseen.reduce((sum, state) => sum + mean[state]!, 0);
    ask(t("game.q.unseen", { states: list(unseen) }), t("game.a.unseen", { n: about(there), moves: MOVES }));
  }
  ask(t("game.q.class"), t("game.a.class"));
  return asked;
}

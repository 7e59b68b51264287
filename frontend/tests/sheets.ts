import { PAPER, type Sheet, sheetFor, TALL, WIDE } from "../src/graph/layout";

/** Sheets to try a drawing on: the usual ones, and those of the places that screens leave for it. */
export const SHEETS: Record<string, Sheet> = {
  wide: WIDE,
  tall: TALL,
  paper: PAPER,
  phone: sheetFor(378, 440),
  tablet: sheetFor(788, 760),
  "small laptop": sheetFor(506, 418),
  laptop: sheetFor(840, 420),
  projector: sheetFor(1300, 620),
};

// The engine: a GPT that trains, and is known completely, in a page. No dependency, no DOM.
//
// Read in this order it is a short course: generator, weights; matmul, linear, layernorm, gelu, tree, attention, gpt,
// backward; corpus, batches, adamw, train; chain, decode, structure, stationary, mixing; lens, many, effects.

export { Chain } from "./chain";
export { ARTICLE_GPT, ARTICLE_TRAINING, type GPTConfig, type TrainConfig } from "./config";
export { BORDER, Corpus } from "./corpus";
export { ChangedTrainings, leftOut, otherTokens, type Change } from "./effects";
export { GPT } from "./gpt";
export { lookInside, type Inside } from "./lens";
export { quantiles, Trainings, type Member } from "./many";
export { mixingSteps } from "./mixing";
export { PCG64 } from "./pcg64";
export { entropyRate, longRunSteps, stationarySteps } from "./stationary";
export { finish, type Steps } from "./steps";
export { periodOf, recurrentClasses } from "./structure";
export { DivergedError, Trainer } from "./train";
export { countParameters, parameterPlaces } from "./weights";

// The engine: a GPT that trains, and is known completely, in a page. No dependency, no DOM.
//
// Read in this order it is a short course. Make a GPT: config, generator, weights. What it computes: matmul, linear,
// layernorm, gelu, tree, attention, gpt. How it learns: corpus, softmax, backward, adamw, pcg64, batches, train. Know it
// whole: chain, decode, structure, steps, elimination, stationary, mixing. Look inside, and ask: lens, many, effects.

export { Chain } from "./chain";
export { ARTICLE_GPT, ARTICLE_TRAINING, type GPTConfig, type TrainConfig } from "./config";
export { BORDER, Corpus } from "./corpus";
export { ChangedTrainings, leftOut, otherTokens, type Change } from "./effects";
export { GPT } from "./gpt";
export { lookInside, type Inside } from "./lens";
export { quantiles, trainMember, Trainings, type Member, type Plan } from "./many";
export { mixingSteps } from "./mixing";
export { PCG64 } from "./pcg64";
export { entropyRate, longRunSteps, stationarySteps } from "./stationary";
export { finish, type Steps } from "./steps";
export { periodOf, recurrentClasses } from "./structure";
export { DivergedError, Trainer } from "./train";
export { countParameters, parameterPlaces } from "./weights";

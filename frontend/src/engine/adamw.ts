// AdamW [1] as torch has it, all weights in one array and all of them decayed.
//
// [1] Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, arXiv:1711.05101.

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export class AdamW {
  readonly mean: Float64Array; // running means of each weight's gradient,
  readonly square: Float64Array; // and of its square

  constructor(n: number) {
    this.mean = new Float64Array(n);
    this.square = new Float64Array(n);
  }

  /** Do the update after `stepsDone` others, in place. */
  update(weights: Float64Array, gradient: Float64Array, stepsDone: number, learningRate: number, decay: number): void {
    const { mean, square } = this;
    // both means begin at 0, which is made good for
    const rate = learningRate / (1 - BETA1 ** (stepsDone + 1));
    const correction = 1 / Math.sqrt(1 - BETA2 ** (stepsDone + 1));
    const kept = 1 - learningRate * decay;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i]!;
      const m = (mean[i] = mean[i]! + (1 - BETA1) * (g - mean[i]!));
      const v = (square[i] = BETA2 * square[i]! + (1 - BETA2) * g * g);
      weights[i] = weights[i]! * kept - (rate * m) / (Math.sqrt(v) * correction + EPSILON);
    }
  }
}

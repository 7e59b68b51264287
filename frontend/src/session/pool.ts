// Who else may train: others take single GPTs of many, and hand back their chains.

import type { Member, Plan, Trainings } from "../engine";

export interface WorkerPool {
  /** Have a member trained by someone who is free, if anyone is: its chains (F, N, V) come later. */
  train(plan: Plan, member: Member, done: (chains: Float32Array) => void): boolean;
}

/** Give away as many members as others can take at once. */
export function distribute(trainings: Trainings, pool: WorkerPool): void {
  for (;;) {
    const member = trainings.take();
    if (member === null) return;
    const taken = pool.train(trainings.plan, trainings.members[member]!, (chains) => trainings.put(member, chains));
    if (!taken) return trainings.giveBack(member);
  }
}

// The session: commands go in, views come out, as src/babygpt/studio/session.py has it. It is the brain of the page.
//
// Read in this order: what is learnt (refused, python, limits, separators, vocabulary, reading, encodings, setup), what is
// trained of it (plan, recording, playback), what is shown (playhead, tape, knobs, summary, seeds, tokens, retraining,
// pins,
// stage), what is said (figures, links, scripts, commands, views), and this.
//
// A session knows no transport and no clock: whoever hosts it hands on commands, tells it the time, and fetches what
// changed.

import { BORDER } from "../engine";
import { RULE_NAMES, type RuleName } from "../decoding";
import type { Command, Settings, Views as AllViews } from "../protocol";
import { countTo } from "./bisect";
import { checkRule, parse, settingsOf } from "./commands";
import type { WorkerPool } from "./pool";
import { asReadFromFile, linkOfPage, textOfFile } from "./encodings";
import { MAX_NOTICE, OF_STATES, PRESETS, SETTINGS } from "./facts.generated";
import { fit, fitIfAny, fits, legible } from "./fitting";
import type { RecordedHistory } from "./history";
import { Limits } from "./limits";
import { read, UNTURNED, type Pins, type Scene } from "./links";
import { cut, general, grouped, length, strip } from "./python";
import { RefusedError, type Plain } from "./refused";
import { fileName, Setup } from "./setup";
import { same } from "./same";
import { Stage } from "./stage";
import { without } from "./tidying";
import { Views, type Revisions } from "./views";

type Handlers = { [Name in Command["command"]]: (command: Extract<Command, { command: Name }>) => void };

export class Session {
  private stage!: Stage;
  private readonly views = new Views();
  private notice: AllViews["notice"] = null;
  private notices = 0;

  /** `seed`: of the ball's wandering; `link`: what it begins as; `recorded`: what a run recorded of it; `pool`: others who train. */
  constructor(
    private readonly limits = new Limits(),
    private readonly seed = 0,
    link: Record<string, string> = {},
    recorded: RecordedHistory | null = null,
    private readonly pool: WorkerPool | null = null,
  ) {
    this.open(link);
    if (!recorded) return;
    try {
      this.stage.playback.adopt(recorded);
    } catch {
      return; // of another GPT: the link says which, and it is trained here
    }
    if (this.stage.goal > this.stage.playback.trained) return;
    this.stage.rest();
    this.turnAsTold();
  }

  // -- what a host does

  /** Do what a command says. What cannot be done changes nothing but the notice, which says why. */
  handle(command: unknown): void {
    this.orTell(() => {
      const known = parse(command);
      // what was asked of a setup that is no more
      if ("version" in known && typeof known.version === "number") {
        const since = OF_STATES.includes(known.command) ? this.stage.statesSince : this.stage.version;
        if (known.version < since || known.version > this.stage.version) return;
      }
      const { setup, scene } = this.stage;
      (this.handlers[known.command] as (command: Command) => void)(known);
      if (this.stage.setup !== setup && known.command !== "open" && known.command !== "undo") this.stage.past.keep(setup, scene);
    });
  }

  /** Do what is due at `now`, in seconds of any clock that goes on; work for about `budget` seconds. */
  advance(now: number, budget: number): void {
    const { stage } = this;
    const { training } = stage;
    if (stage.busy) stage.work(performance.now() + 1000 * budget);
    if (training) this.afterTraining();
    stage.playhead.advance(now, stage.playback, stage.training);
    if (stage.tape.due(now) === now) stage.tape.advance(now, stage.shown.chain);
  }

  /** When `advance` has something to do; null if nothing happens by itself. */
  due(now: number): number | null {
    const { stage } = this;
    if (stage.busy) return now;
    const times = [stage.playhead.due(now, stage.playback), stage.tape.due(now)].filter((time) => time !== null);
    return times.length ? Math.min(...times) : null;
  }

  /** The views whose revision is not the `known` one, and the revisions of all views. */
  changed(known: Revisions): { views: Partial<AllViews>; revisions: Revisions } {
    return this.views.changed(this.stage, this.notice, known);
  }

  /** Whether work is under way in slices: a training, of the GPT on the screen or of others, or a computation. */
  get busy(): boolean {
    return this.stage.busy;
  }

  /** What there is now, for files. */
  get shown(): Stage {
    return this.stage;
  }

  private readonly handlers: Handlers = {
    // -- what is learnt

    open: ({ link }) => this.open(link),

    configure: (command) => {
      const old = this.stage.setup;
      let text = command.sequence ?? old.text;
      const name = command.name ?? (text === old.text ? old.name : "");
      const of = command.name === undefined ? "" : fileName(name);
      if (of !== "" && !Object.hasOwn(PRESETS, of)) text = asReadFromFile(text);
      this.learn(text, name, settingsOf(command), text === old.text && name === old.name ? old.encoding : null);
    },

    file: ({ name, data, encoding, suits }) => {
      const short = fileName(name) || "file";
      const page = /\.html?$/.test(short) ? linkOfPage(data) : null;
      if (page) return this.open(page);
      const { text, guessed } = textOfFile(short, data, this.limits, encoding);
      const suiting = suits ? fitIfAny(text, this.limits, this.stage.setup.settings) : null;
      this.learn(text, short, { vocabulary: null, ...suiting }, guessed);
      if (guessed === null) return;
      const told = `${short} is not UTF-8 text; it was read as ${guessed}.`;
      this.notify(new RefusedError(told, "guessed", null, { name: short, encoding: guessed }));
    },

    tidy: ({ part }) => {
      const { text: all, settings } = this.stage.setup;
      const text = without(all, part);
      const suiting = fits(settings, all, this.limits) ? fitIfAny(text, this.limits, settings) : null;
      this.learn(text, "", { vocabulary: null, ...suiting }, null);
    },

    fit: ({ text: typed }) => {
      this.limits.checkText(typed);
      const text = legible(typed);
      if (!strip(text)) throw new RefusedError("The text is empty.", "empty", "sequence");
      const { settings } = this.stage.setup;
      this.stage.begin(Setup.make(text, "", { ...settings, ...fit(text, this.limits, settings) }, this.limits));
      this.notice = null;
    },

    preset: ({ name }) => {
      this.stage.begin(Setup.ofPreset(name, this.limits));
      this.notice = null;
    },

    undo: () => {
      const before = this.stage.past.takeBack();
      if (before) this.begin(before.setup, before.scene);
    },

    train: () => {
      const { stage } = this;
      const { playback, playhead } = stage;
      stage.letGo();
      if (!playback.done) {
        playhead.suit(playback.total - playhead.step);
        stage.trainTo(playback.total);
      }
      this.letPlay();
    },

    more: ({ steps }) => {
      const { stage } = this;
      const { playback, playhead } = stage;
      if (steps < 1) throw new RefusedError(`${grouped(steps)} steps more is no training.`, "command");
      const wanted = playback.trained + steps;
      const total = Math.min(wanted, this.limits.steps);
      if (total > playback.trained) {
        stage.letGo();
        const near = playback.stopped === "gap";
        stage.goOn(stage.setup.withSteps(Math.max(total, playback.total)));
        playback.resume();
        playhead.suit(total - playhead.step);
        stage.trainTo(Math.max(total, stage.goal), near);
        this.letPlay();
      }
      this.limits.checkSteps(wanted);
    },

    stop: () => {
      if (!this.stage.training) return;
      this.stage.rest();
      this.afterTraining();
    },

    // -- which step is shown

    play: () => this.letPlay(),

    pause: () => {
      this.stage.playhead.playing = false;
    },

    step: () => {
      const { stage } = this;
      const { playback, playhead } = stage;
      if (playback.after(playhead.step) === null && playback.trained >= playback.total) {
        this.limits.checkSteps(playback.trained + 1);
        stage.goOn(stage.setup.withSteps(playback.trained + 1));
      }
      stage.letGo();
      if (playback.after(playhead.step) === null) {
        if (playback.trained > playhead.step) stage.settle(); // a training is under way: its newest step
        else stage.trainOne();
        this.afterTraining();
      }
      playhead.moveTo(playback.after(playhead.step) ?? playhead.step);
    },

    rewind: () => this.goTo(0),

    seek: ({ step }) => this.goTo(step),

    skip: ({ by }) => {
      const steps = this.stage.playback.recorded;
      const { step } = this.stage.playhead;
      const here = by < 0 ? countTo(steps, step, true) : countTo(steps, step) - 1;
      this.goTo(steps[Math.min(Math.max(here + by, 0), steps.length - 1)]!);
    },

    speed: ({ speed }) => {
      if (speed !== null && speed <= 0) throw new RefusedError(`${general(speed)} steps a second is no speed.`, "command");
      this.stage.playhead.chooseSpeed(speed);
    },

    // -- what is shown of it

    show: ({ source, compare = this.stage.compare }) => {
      const { stage } = this;
      const subjects = source === "difference" ? compare : [source];
      if (subjects.includes("seeds")) stage.checkSeeds(stage.retraining.nSeeds);
      for (const subject of subjects) stage.subject(subject); // refuses what cannot be compared
      stage.source = source;
      stage.compare = compare;
    },

    seeds: ({ n }) => {
      if (n < 2) throw new RefusedError(`${grouped(n)} seeds are not many. Ask for 2 or more.`, "command");
      this.stage.checkSeeds(n);
      this.stage.askSeeds(n);
    },

    attribute: ({ position }) => {
      const { nTokens, setup, retraining } = this.stage;
      if (position !== null && !(position >= 0 && position < nTokens)) {
        const told = `There is no token ${grouped(position)}; the text has ${grouped(nTokens)}.`;
        throw new RefusedError(told, "command");
      }
      retraining.point(position !== null && setup.tokens[position] === BORDER ? null : position);
    },

    select: ({ state }) => {
      this.stage.selected = state === null ? null : this.stage.checkState(state);
    },

    decode: (command) => {
      const given = settingsOf(command);
      for (const name of RULE_NAMES) if (name in given) checkRule(name, given[name as RuleName]!);
      this.stage.decoding = { ...this.stage.decoding, ...given };
    },

    pin: ({ slot }) => this.stage.pin(slot),

    unpin: ({ slot }) => this.stage.unpin(slot),

    rows: ({ first }) => {
      this.stage.window = first;
    },

    code: ({ on }) => {
      this.stage.showsCode = on;
    },

    short: ({ on }) => {
      this.stage.showsShort = on;
    },

    dismiss: () => {
      this.notice = null;
    },

    // -- the ball

    walk: ({ token }) => {
      const { tape, shown, setup } = this.stage;
      const V = setup.config.vocab_size;
      if (!(token >= 0 && token < V)) {
        const told = `There is no token ${grouped(token)}; this vocabulary has 0 to ${grouped(V - 1)}.`;
        throw new RefusedError(told, "command");
      }
      tape.wander(false);
      tape.take(token, shown.chain);
    },

    place: ({ state }) => {
      this.stage.beginTape(this.stage.checkState(state));
      this.stage.tape.wander(false);
    },

    wander: ({ on }) => this.stage.tape.wander(on),

    // -- knobs

    turn: ({ position }) => {
      const { stage } = this;
      if (stage.playback.trained === 0) {
        throw new RefusedError("There are no trained weights to go to yet. Train first.", "untrained");
      }
      stage.turn(() => stage.knobs.turn(position, stage.playback));
    },

    tensor: ({ name }) => this.stage.knobs.choose(name, this.stage.playback),

    nudge: ({ place, by }) => {
      const { stage } = this;
      stage.turn(() => stage.knobs.nudge(place, by, stage.playback));
    },

    release: () => this.stage.knobs.release(),
  };

  private open(link: Record<string, string>): void {
    const { setup, scene, pins, mistake } = read(link, this.limits);
    this.begin(setup, scene, pins);
    if (mistake) this.notify(mistake);
  }

  /** Show a setup as a scene says, its training behind it. */
  private begin(setup: Setup, scene: Scene, pins: Pins = new Map()): void {
    const old: Stage | undefined = this.stage;
    const stage = new Stage(setup, this.limits, this.seed, old?.version, this.pool, old?.past);
    if (old) {
      stage.keepPinsOf(old);
      stage.showsCode = old.showsCode;
      stage.showsShort = old.showsShort;
      stage.playhead.keepPaceOf(old.playhead);
    }
    this.notice = null;
    for (const [slot, origin] of pins) this.orTell(() => stage.revive(slot, origin));
    stage.selected = scene.select;
    stage.decoding = scene.decoding;
    stage.source = scene.source;
    stage.compare = scene.compare;
    stage.askSeeds(scene.seeds);
    if (scene.trained) {
      stage.trainTo(scene.trained, true);
      stage.arrive = scene.step ?? scene.trained;
    }
    stage.turned = same(scene.turned, UNTURNED) ? null : scene.turned;
    this.stage = stage;
    this.turnAsTold();
  }

  /** Turn what a link says is turned, as soon as what it is of is trained. */
  private turnAsTold(): void {
    const { stage } = this;
    const told = stage.turned;
    if (told === null || stage.training) return;
    stage.turned = null;
    this.orTell(() => stage.turn(() => stage.knobs.put(told, stage.playback)));
  }

  /** Do what can be refused, and say so if it is. */
  private orTell(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.notify(error);
    }
  }

  private learn(text: string, name: string, given: Record<string, Plain>, encoding: string | null): void {
    const { stage } = this;
    const old = stage.setup;
    const setup = Setup.make(text, name, { ...old.settings, ...given }, this.limits, encoding);
    this.notice = null;
    const names = SETTINGS.map((fact) => fact.name as keyof Settings);
    const changes = names.filter((key) => setup.settings[key] !== old.settings[key]);
    if (!changes.length && text === old.text && setup.name === old.name) return;
    const further = changes.every((key) => key === "steps" || key === "stop_gap");
    if (text === old.text && further && setup.settings.steps >= old.settings.steps) stage.goOn(setup);
    else stage.begin(setup);
    if (setup.settings.lines !== null || !old.reading.joined || setup.reading.joined) return;
    const n = setup.reading.sequences.length;
    const told = `${grouped(n)} lines of words: each is read as a sequence of its own. lines=False joins them.`;
    this.notify(new RefusedError(told, "lines", null, { n }));
  }

  private letPlay(): void {
    const { stage } = this;
    stage.letGo();
    if (!stage.training && stage.playback.after(stage.playhead.step) === null) {
      stage.playhead.moveTo(0);
      stage.playhead.suit(stage.playback.trained);
    }
    stage.playhead.play();
  }

  private goTo(step: number): void {
    this.stage.letGo();
    this.stage.playhead.dragTo(this.stage.playback.closest(step));
  }

  private afterTraining(): void {
    this.turnAsTold();
    const { playback, training, setup } = this.stage;
    if (playback.stopped !== "diverged" || training) return;
    const values = { step: playback.trained, learning_rate: general(setup.settings.learning_rate) };
    this.notify(new RefusedError(playback.failure!.message, "diverged", "learning_rate", values));
  }

  private notify({ message, code, field, values }: RefusedError): void {
    const text = length(message) <= MAX_NOTICE ? message : `${cut(message, MAX_NOTICE)} …`;
    this.notice = { id: ++this.notices, code, field, values, text };
  }
}

// Written by make protocol from settings.py, studio/commands.py, studio/presets.py and their like: change those.

import type { Plain } from "./refused";

export interface SettingFact {
  readonly name: string;
  readonly kind: "int" | "float" | "bool" | "str";
  readonly default: Plain;
  readonly least?: number;
  readonly choices?: readonly string[];
  readonly option?: string; // on the command line, where it is not its name with dashes
  readonly ofTheScreen?: true; // no setting of a training
}

/** The parts that must be there and those that may, by name: what each is ends the sentence that refuses another. */
export type CommandFact = readonly [
  needed: Readonly<Record<string, string>>,
  free?: Readonly<Record<string, string>>,
  settings?: readonly string[],
];

export interface PresetFact {
  readonly sequence: string;
  readonly settings: Readonly<Record<string, Plain>>;
}

/** A model that the article speaks of: symbols and context length as it has them and as they are, and what it says. */
export interface ModelFact {
  readonly name: string;
  readonly article: readonly [V: number, K: number];
  readonly says: string;
  readonly actual: readonly [V: number, K: number];
}

export const VERSION: string = "0.2.0";

export const SETTINGS: readonly SettingFact[] = [{"name":"context_length","kind":"int","default":3,"least":1,"option":"context"},{"name":"vocabulary","kind":"str","default":null},{"name":"tokens","kind":"str","default":"chars","choices":["chars","words"]},{"name":"separator","kind":"str","default":null},{"name":"lines","kind":"bool","default":null},{"name":"steps","kind":"int","default":50,"least":1},{"name":"stop_gap","kind":"float","default":null,"least":0,"ofTheScreen":true},{"name":"learning_rate","kind":"float","default":0.001},{"name":"weight_decay","kind":"float","default":0.1,"least":0},{"name":"n_layer","kind":"int","default":4,"least":1,"option":"layers"},{"name":"n_head","kind":"int","default":4,"least":1,"option":"heads"},{"name":"n_embd","kind":"int","default":16,"least":1,"option":"width"},{"name":"bias","kind":"bool","default":false},{"name":"positions","kind":"str","default":"last","choices":["last","all"]},{"name":"batch_size","kind":"int","default":null,"least":1},{"name":"seed","kind":"int","default":1337,"least":0}];

export const RULE_KINDS: Readonly<Record<string, "int" | "float">> = {"temperature":"float","top_k":"int","top_p":"float","min_p":"float"};

export const PRESETS: Readonly<Record<string, PresetFact>> = {"article":{"sequence":"111101111011110","settings":{}},"alternating":{"sequence":"0101010101010101","settings":{"context_length":1}},"period5":{"sequence":"001010010100101001010010100101","settings":{"context_length":4,"steps":200}},"coin":{"sequence":"0111001100100100110011111001000010001010010000011101011010010100010101110011100001110110011111110011011110110000011111001010110101100011111110000110111001011101010011101100110000100110101010101001100111001101010011101100000010110110000001100101111000100000000010110111011111011101100010001101101111100100101110111010100110110111111000111001111011100011000011101110100100100100010101110011000000101000","settings":{"steps":200}},"parity":{"sequence":"110000000000000000001100110000011001100110011001100110011001100110011001101001100110011000000000000000001100110011010101010101010101010100110011001100110011001111111101010101010101010101100110011001100101010101100110011001100000000000000000","settings":{"steps":1000,"learning_rate":0.0015}},"prose":{"sequence":"a quiet river bends through the valley and the boys who live by the mill watch it freeze in december they know just which planks hold and which crack and they wait for the extra cold week when even the lazy fox dares to cross the quick brown ice what the river keeps it keeps until the spring then the valley sounds like an organ and the ice goes down to the sea in pieces as big as barns","settings":{"context_length":2,"steps":300,"learning_rate":0.003}},"poem":{"sequence":"山前一轮月月下一座山山高月色小月落山更高人在山中坐月在水中圆山月不知人人知山月闲","settings":{"context_length":1,"steps":200,"learning_rate":0.003}}};

export const COMMANDS: Readonly<Record<string, CommandFact>> = {"open":[{"link":"an object of texts"}],"file":[{"name":"a text","data":"a text"},{"encoding":"a text","suits":"true or false"}],"fit":[{"text":"a text"}],"tidy":[{"part":"one of breaks, header"}],"preset":[{"name":"a text"}],"undo":[{}],"train":[{}],"more":[{"steps":"a whole number"}],"stop":[{}],"pause":[{}],"play":[{}],"step":[{}],"rewind":[{}],"seek":[{"step":"a number"}],"skip":[{"by":"a whole number"}],"speed":[{"speed":"a number or null"}],"show":[{"source":"one of model, seeds, data, difference"},{"compare":"two of model, seeds, data, A, B"}],"seeds":[{"n":"a whole number"}],"pin":[{"slot":"A or B"}],"unpin":[{"slot":"A or B"}],"code":[{"on":"true or false"}],"short":[{"on":"true or false"}],"dismiss":[{}],"wander":[{"on":"true or false"}],"turn":[{"position":"a number"}],"release":[{}],"configure":[{},{"sequence":"a text","name":"a text"},["context_length","vocabulary","tokens","separator","lines","steps","stop_gap","learning_rate","weight_decay","n_layer","n_head","n_embd","bias","positions","batch_size","seed"]],"decode":[{},{},["temperature","top_k","top_p","min_p"]],"attribute":[{"position":"a whole number or null"},{"version":"a whole number or null"}],"tensor":[{"name":"a text"},{"version":"a whole number or null"}],"nudge":[{"place":"a whole number","by":"a number"},{"version":"a whole number or null"}],"select":[{"state":"a whole number or null"},{"version":"a whole number or null"}],"rows":[{"first":"a whole number or null"},{"version":"a whole number or null"}],"walk":[{"token":"a whole number"},{"version":"a whole number or null"}],"place":[{"state":"a whole number"},{"version":"a whole number or null"}]};

export const OF_STATES: readonly string[] = ["select","rows","walk","place"];

export const FORWARD_TOKENS = 2048;
export const BASIS = 40;
export const COPIES = 7;
export const BLOCK_OBJECTS = 102400;
export const MAX_KEPT = 100000;
export const EVERY_STEP = 4096;
export const FRAME_BUDGET = 268435456;
export const FOLLOWED = 64;
export const FOLLOWED_MIXING = 16;
export const MIXING = 256;
export const FEW = 256;
export const AT_ONCE_MIXING = 128;
export const MAX_VALUES = 256;
export const MAX_PIXELS = 65536;
export const MAX_CURVE = 600;
export const MAX_TRACE = 120;
export const MAX_TRACED = 4;
export const MAX_HEADER = 60;
export const MAX_FITTED = 4096;
export const NEAR = 0.02;
export const LONGEST_NAME = 12;
export const COPIES_OF_A_NAME = 4;
export const LEARNING_RATE = 0.003;
export const STEPS = 1000;
export const STOP_GAP = 0.05;
export const REACH = [-0.5, 1.5];
export const MOST_ADDED = 1000.0;
export const MAX_TENSOR = 65536;
export const TABLES = 13;
export const LONG_RUN = 65536;
export const MAX_BATCH = 1048576;
export const MAX_SEEDS = 1000;
export const MAX_OF_SEEDS = 4194304;
export const MAX_LAYERS = 100;
export const LONGEST_TEXT = 4000;
export const SEEDS = 200;
export const MOST_UNDONE = 20;
export const CHAINS_AT_HAND = 4194304;
export const SECONDS = 4.0;
export const SLOWEST = 12.0;
export const SPEEDS = [0.1, 1000000.0];
export const REST = 0.25;
export const HAIR = 0.0001;
export const LOW = 0.05;
export const HIGH = 0.95;
export const QUICK = 262144;
export const BINS = 20;
export const MAX_STATE_TOKENS = 64;
export const MAX_NOTICE = 600;
export const MAX_NAME = 200;
export const TOGETHER = 32;
export const PACE = 0.8;
export const TAPE_LENGTH = 64;
export const MAX_TEXTS = 64;
export const MAX_NUMBERS = 4194304;
export const MAX_TEXT = 4000;
export const MAX_TOKENS = 400;
export const MAX_ROWS = 200;
export const MAX_CELLS = 20000;
export const MAX_RECORDED = 600;
export const MAX_ATTENTION = 16384;

export const PAGE_LIMITS: Readonly<Record<string, number>> = {"states":4096,"steps":100000,"text":100000,"memory":134217728,"seeds":200};

export const LETTERS: Readonly<Record<string, string>> = {"SIGNS":"，。、；：？！“”‘’（）《》「」『』【】〈〉…—～·　々〇１２３４５６７８９０","OFTEN":"的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家","TRADITIONALLY":"的一是不了人我在有他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家","SYLLABLES":"이다는의에을가고지하은를니서기어나도사해인시자리일아로한요있","CYRILLIC":"оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґў","WESTERN":"éèàüäöñóíáçêôßåøæâîïëúãõûùòìœ","CENTRAL":"łóąęíáżśćčěřéňýžšůúťďńźőűăîșțşţ","GREEK":"αοιετσνηυρπκμλςγδωχθφβξζψάίόέήύώϊϋΐΰ","HEBREW":"יולהאתרמבשנעדכקפםחגטןזסצךףץ","ARABIC":"اليمنرتوبهدعفسكقحةأجشطىصخذزضثغإئظءآؤپچژگکی","TURKISH":"ışüğçöâîû","THAI":"านรอกเง่มยลว้ดทสตะปบคหัแีจพชขิใุูธไ์็ื","MARKS_OF_TEXTS":"“”‘’«»–—…°§№·„¿¡"};

export const ENDINGS: readonly string[] = ["txt","text","md","markdown","rst","tex","log","csv","tsv","dat","json","jsonl","ndjson","xml","yaml","yml","toml","ini","cfg","html","htm","py","js","ts","cpp","ipynb","sql","srt","pdf","doc","docx","odt","rtf","epub","xls","xlsx","ods","parquet","feather","arrow","npy","npz","gz","bz2","xz","zst","zip","tar","tgz","7z","fasta","fastq","fna","vcf","pgn","mid","midi","safetensors","pth","ckpt","h5","hdf5","pkl","asc","lst","tab","data","utf8","fb2","mobi","pages","numbers","fa","faa","seq"];

export const KNOWN_MODELS: readonly ModelFact[] = [{"name":"baby-gpt","article":[2,3],"says":"8 states","actual":[2,3]},{"name":"gpt-2","article":[50257,2048],"says":"3,998 kB","actual":[50257,1024]},{"name":"gpt-3","article":[50257,4096],"says":"8 kB","actual":[50257,2048]},{"name":"gpt-4","article":[50257,32768],"says":"64 kB","actual":[100277,32768]}];

export const COMPUTERS: Readonly<Record<string, number>> = {"Atari 800":8192,"Commodore 64":65536};

export const WALK: number = 20000;

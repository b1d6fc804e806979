// What the server answers, as far as the page reads it: for the checks alone. /openapi.json has all of it.

/** What can't be done now. */
export interface Obstacle {
  reason: string | null;
  problem: string | null;
}

export interface Voice extends Obstacle {
  id: string;
  name: string;
  languages: string[];
  kind: 'named' | 'cloned' | 'designed' | null;
  engine: string;
  styles: string[];
  description: string;
  tags: string[];
  own: boolean;
  preset: boolean;
  state: 'ready' | 'cached' | 'loading' | 'downloading' | 'missing' | 'broken';
}

export interface Reference {
  file: string;
  duration: number;
  transcript: string;
}

export interface Sampling {
  temperature: number | null;
  top_k: number | null;
  top_p: number | null;
  repetition_penalty: number | null;
}

export interface Profile {
  id: string;
  name: string;
  kind: 'named' | 'cloned' | 'designed';
  languages: string[];
  description: string;
  tags: string[];
  engine: string;
  size: string | null;
  base: string;
  references: Reference[];
  design: string;
  instruct: string;
  seed: number | null;
  sampling: Sampling;
  speed: number;
  pitch: number;
  gain: number;
  effects: import('./components/effects.js').Effect[];
}

export interface VoiceDetail extends Voice {
  profile: Profile | null;
}

export interface Made extends Obstacle {
  profile: Profile;
  warnings: string[];
  state: Voice['state'];
}

export interface Ability extends Obstacle {
  ready: boolean;
}

export interface Abilities {
  clone: Ability;
  design: Ability;
  transcribe: Ability;
  languages: string[];
}

export interface Checked {
  duration: number;
  level: number;
  above_noise: number;
  sample_rate: number;
  warnings: string[];
}

export interface Arrivals {
  imported: { there: string; here: string }[];
  skipped: string[];
  replaced: string[];
  warnings: string[];
}

export interface Model {
  name: string;
  does: string;
  size: string | null;
  state: 'here' | 'loaded' | 'loading' | 'downloading' | 'incomplete' | 'damaged' | 'missing';
  told: string;
  bytes: number;
  total: number | null;
  problem: string | null;
  memory: number | null;
  speaking: number;
}

export interface Figures {
  size: string;
  precision: 'int8' | 'int4';
  first_audio: number;
  real_time: number;
  rooms: number;
  verdict: 'keeps-up' | 'begins-later' | 'too-slow';
}

export interface BenchRunning {
  begun: string;
  count: number;
  size: string | null;
  precision: string | null;
  figures: Figures[];
}

export interface BenchState {
  obstacle: string | null;
  running: BenchRunning | null;
  error: { message: string } | null;
  last: { at: string; threads: number; figures: Figures[] } | null;
}

export interface Setting {
  name: string;
  description: string;
  value: unknown;
  default: unknown;
  source: string;
  set_by: string;
  changeable: boolean;
  takes_effect: 'now' | 'next start' | null;
  changed: boolean;
  pending: boolean;
  next_value: unknown;
  json_schema: Schema;
}

export interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

export interface Run {
  id: string;
  task: string;
  created: string;
  title: string;
  text: string;
  voice: string;
  engine: string;
  language: string | null;
  seed: number | null;
  duration: number | null;
  audio: string | null;
  bytes: number;
  favourite: boolean;
  pinned: boolean;
}

export interface RunDetails extends Run {
  files: { name: string; size: number }[];
  has_words: boolean;
}

export interface TimedWord {
  word: string;
  start: number;
  end: number;
  characters: [number, number];
}

export interface FileWords {
  file: string;
  text: string;
  words: TimedWord[];
}

export interface Job {
  id: string;
  kind: string;
  title: string;
  state: string;
  created: string;
  changed: string;
  worked: number;
  seconds_left: number | null;
  error: string;
  run: string | null;
  progress: { items: number; done: number; failed: number; size: number; size_tried: number };
}

export interface JobItem {
  number: number;
  state: 'waiting' | 'done' | 'failed';
  text: string;
  group: string;
  voice: string | null;
  seed: number | null;
  seconds: number | null;
  error: string;
}

export interface Problem {
  where: string;
  wrong: string;
  right: string;
  stops: boolean;
}

export interface PlanItem {
  text: string;
  how: { voice: string | null; seed: number | null };
  file: string;
  group: string;
  start: number | null;
  end: number | null;
}

export interface Plan {
  is_ready: boolean;
  title: string;
  language: string | null;
  totals: { items: number; characters: number; seconds: number };
  problems: Problem[];
  problem_count: number;
  default_speakers: string[];
  items: PlanItem[];
}

export interface Candidate {
  id: string;
  number: number;
  seed: number;
  duration: number;
  url: string;
}

export interface Design {
  id: string;
  description: string;
  text: string;
  language: string;
  created: string;
  candidates: Candidate[];
}

export interface EngineHealth extends Obstacle {
  name: string;
  ready: boolean;
}

export interface HouseFacts {
  name: string;
  version: string;
  wyoming: string[];
  web: string[];
  announced: { name: string; addresses: string[]; port: number } | null;
  discovery: boolean;
  engines: EngineHealth[];
  default_voice: string | null;
  data_folder: string;
}

export interface Neighbour {
  name: string;
  uri: string;
  kinds: string[];
  programs: string[];
  answers: boolean;
  problem: string | null;
  itself: boolean;
}

export interface Room {
  id: string;
  name: string;
  area: string | null;
  way: 'home-assistant' | 'satellite';
}

export interface Rooms {
  rooms: Room[];
  problems: Obstacle[];
  remedy: string | null;
}

export interface PastRequest {
  at: string;
  adapter: string;
  engine: string;
  voice: string;
  outcome: string;
  characters: number;
  first_audio: number | null;
  audio_seconds: number;
  elapsed: number;
  fallback: string | null;
}

export interface LogLine {
  at: string;
  level: string;
  request: string;
  message: string;
}

export interface ProjectEntry {
  id: string;
  name: string;
  created: string;
  saved: string;
  version: number;
  clips: number;
  bytes: number;
}

export interface Projects {
  projects: ProjectEntry[];
  damaged: { id: string; reason: string }[];
}

export interface CompositionClip {
  clip: string | null;
  offset: number | null;
  volume: number;
  trim_start: number;
  trim_end: number;
  fade_in: number;
  fade_out: number;
  crossfade: number;
}

export interface Composition {
  tracks: { name: string; volume: number; muted: boolean; clips: CompositionClip[] }[];
  sample_rate: number | null;
  loudness: number | null;
}

export interface ProjectClip {
  id: string;
  name: string;
  seconds: number;
  sample_rate: number;
  run: string | null;
  file: string | null;
}

export interface Project {
  id: string;
  name: string;
  saved: string;
  version: number;
  composition: Composition;
  clips: ProjectClip[];
  seconds: number | null;
  problems: string[];
}

export interface Version {
  number: number;
  saved: string;
  tracks: number;
  clips: number;
}

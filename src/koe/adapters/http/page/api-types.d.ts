// What the server answers, as far as the page reads it: for the checks alone. /openapi.json has all of it.

export interface Voice {
  id: string;
  name: string;
  languages: string[];
  kind: 'named' | 'cloned' | 'designed' | null;
  engine: string;
  styles: string[];
  own: boolean;
  preset: boolean;
  state: 'ready' | 'cached' | 'missing' | 'broken';
  reason: string | null;
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

export interface EngineHealth {
  name: string;
  ready: boolean;
  reason: string;
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

/**
 * @license
 * Copyright 2021 Google LLC
 * SPDX-License-Identifier: BSD-3-Clause
 */
import './reactive-element.js';
import './lit-html.js';
export * from './lit-element.js';
export * from './is-server.js';

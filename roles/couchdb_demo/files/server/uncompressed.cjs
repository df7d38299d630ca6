// SPDX-FileCopyrightText: cht.sync contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// CouchDB itself compresses nothing. Here the changes of a continuous feed would wait until a block of gzip is full.
const Module = require('module');

const load = Module._load;
Module._load = (name, ...rest) => (name === 'compression' ? () => (_request, _response, next) => next() : load(name, ...rest));

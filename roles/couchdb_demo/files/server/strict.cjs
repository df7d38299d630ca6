// SPDX-FileCopyrightText: cht.sync contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// What CouchDB 3.5 refuses and pouchdb-server lets pass, in CouchDB's words (tests/fixtures/couchdb-3.5 and couchdb-3.5-accounts): a
// request without a password, a name with five wrong ones, somebody who is no member, an attachment longer than it says. Accounts,
// members and validate_doc_update are pouchdb-server's own. Not as in CouchDB: a new database is open until its _security is written.
const Module = require('module');

const WELCOME = {couchdb: 'Welcome', version: '3.5.0', features: [], vendor: {name: 'The Apache Software Foundation'}};
const TRIES = 5;
const LOCKED_MS = 5 * 60 * 1000;
const refusals = new Map();

const load = Module._load;
Module._load = (name, ...rest) => (name === 'express-pouchdb' ? (options) => strict(load(name, ...rest)(options)) : load(name, ...rest));

function strict(server) {
  const handle = server.handle.bind(server);
  server.handle = (request, response, next) => {
    const name = nameIn(request.headers.authorization);
    if (name === undefined) {
      return say(response, 401, 'unauthorized', 'Authentication required.');
    }
    // A lock is of a name as it comes from one address.
    const tries = triesOf(`${name} ${request.headers['x-forwarded-for'] || request.socket.remoteAddress}`);
    if (tries.count >= TRIES) {
      return say(response, 403, 'forbidden', 'Account is temporarily locked due to multiple authentication failures');
    }
    answeredBy(response, (status, body) => {
      if (status === 401 && /^Name or password/.test(body.reason)) {
        tries.count += 1;
        tries.last = Date.now();
      } else if (status === 401) {
        return [403, {error: 'forbidden', reason: 'You are not allowed to access this db.'}];
      } else if (body.reason === 'no_db_file') {
        return [404, {error: 'not_found', reason: 'Database does not exist.'}];
      }
      return request.url === '/' && status === 200 ? [200, WELCOME] : [status, body];
    });
    request.url = request.originalUrl = request.url.replace(/^\/_node\/_local\/_config\//, '/_config/');
    if (!/^multipart\/related/.test(request.headers['content-type'])) {
      return handle(request, response, next);
    }
    return withAttachments(request, response).then(() => handle(request, response, next));
  };
  return server;
}

function nameIn(authorization) {
  const [, encoded] = /^Basic (.+)$/.exec(authorization || '') || [];
  return encoded && Buffer.from(encoded, 'base64').toString().split(':')[0];
}

function triesOf(key) {
  const known = refusals.get(key);
  if (known && Date.now() - known.last < LOCKED_MS) {
    return known;
  }
  refusals.set(key, {count: 0, last: Date.now()});
  return refusals.get(key);
}

// Lets `change` have another word on each answer in JSON that is sent whole.
function answeredBy(response, change) {
  const send = response.send;
  response.send = (text) => {
    response.send = send;
    let body;
    try {
      body = JSON.parse(text);
    } catch (error) {
      return response.send(text);
    }
    const [status, changed] = change(response.statusCode, body);
    response.status(status);
    return response.send(changed === body ? text : JSON.stringify(changed) + '\n');
  };
}

function say(response, status, error, reason) {
  response.status(status).type('application/json').send(JSON.stringify({error, reason}) + '\n');
}

// pouchdb-server ends at CouchDB's form of a document with attachments. So it gets the document with them inside.
async function withAttachments(request, response) {
  const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'])[1];
  const pieces = [];
  for await (const piece of request) {
    pieces.push(piece);
  }
  const parts = Buffer.concat(pieces).toString('latin1').split(`--${boundary}`).slice(1, -1);
  const [json, ...contents] = parts.map((part) => Buffer.from(part.slice(part.indexOf('\r\n\r\n') + 4, -2), 'latin1'));
  const document = JSON.parse(json);
  const following = Object.values(document._attachments || {}).filter((attachment) => attachment.follows);
  const tooLong = following.some((attachment, at) => contents[at].length > attachment.length);
  following.forEach((attachment, at) => {
    delete attachment.follows;
    attachment.data = contents[at].toString('base64');
  });
  if (tooLong) {
    // CouchDB asks the validate functions first. Of a revision that nobody has, they are asked, too, and nothing is stored.
    document._rev = '1-00000000000000000000000000000000';
    const send = response.send;
    response.send = (text) => {
      response.send = send;
      return response.statusCode === 409 ? say(response, 400, 'bad_request', 'attachment longer than expected') : response.send(text);
    };
  }
  request.headers['content-type'] = 'application/json';
  request.body = document;
  request._body = true;
}

// SPDX-FileCopyrightText: cht.sync contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Starts npm's couch2pg with its two URLs from the environment, so that no password is on a command line.
process.argv.push(process.env.PEER_SOURCE, process.env.PEER_TARGET);
require(process.env.PEER_PROGRAM);

# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require_relative "event"
require_relative "json"

module Double
  # A line of a `_changes` feed as the couchdb_changes input makes an event of it.
  module Change
    # nil for what the input skips without a word: an error, `last_seq`, a change without its document.
    def self.event(line, keep_id: true, keep_revision: true)
      change = Json.parse(line)
      doc = change["doc"] if change.is_a?(Hash)
      return nil unless doc.is_a?(Hash)

      told = { "_id" => doc["_id"], "seq" => change["seq"] }
      return Event.new("@metadata" => told.merge("action" => "delete")) if doc["_deleted"]

      doc.delete("_id") unless keep_id
      doc.delete("_rev") unless keep_revision
      Event.new("doc" => doc, "doc_as_upsert" => true, "@metadata" => told.merge("action" => "update"))
    end
  end
end

# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The one place where events are shaped: a change of a CouchDB database, as the couchdb_changes input hands it over,
# becomes {id, seq, deleted, doc}, which is what api.ingest takes. It raises nothing: an event that left unshaped would
# have the whole call refused, again and again. So what cannot be shaped leaves without its document, and api.ingest
# puts it into quarantine.

def filter(event)
  id = told(event, "_id")
  return [] if id.is_a?(String) && id.start_with?("_design/")

  seq = told(event, "seq")
  deleted = told(event, "action") == "delete"
  # The document stays where it is: taking it out and putting it back would convert it twice.
  event.set("doc", nil) unless strip(event) && !deleted
  # No other id than a text is CouchDB's; a null one goes to quarantine, where it is seen.
  event.set("id", id.is_a?(String) ? id : nil)
  event.set("seq", seq)
  event.set("deleted", deleted)
  [event]
end

# What the input tells of a change beside its document.
def told(event, member)
  event.get("[@metadata][#{member}]")
rescue StandardError
  nil
end

# Takes away whatever stands beside the document; tells whether that could be done and there is one.
def strip(event)
  names = event.to_hash.keys
  (names - ["doc"]).each { |name| event.remove("[#{name}]") }
  names.include?("doc")
rescue StandardError, SystemStackError # the latter is none of the former
  false
end
